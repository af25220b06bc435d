package diagnostic

// The checks of session persistence.
var (
	// InvalidSession: a cookie that no browser keeps
	InvalidSession = Check{
		ID: "invalid-session", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a cookie that no browser keeps",
		Example:  `sessionPersistence: {sessionName: "my session"}`,
		Fix:      "write a name of letters, digits, hyphens, dots and underscores, and whole seconds",
	}
	// UnsupportedSession: a session that would end earlier or later than it should; the rule answers 500 rather than that
	UnsupportedSession = Check{
		ID: "unsupported-session", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "a session that would end earlier or later than it should; the rule answers 500 rather than that",
		Example:  "sessionPersistence: {type: Header}",
		Fix:      "leave it out",
	}
	// RenewedSession: a session that is taken to end after a time, though its client may go on
	RenewedSession = Check{
		ID: "renewed-session", Severity: Warn, Reason: "Renewed",
		Prevents: "a session that is taken to end after a time, though its client may go on",
		Example:  "sessionPersistence: {cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 1h}",
		Fix:      "nothing, if the time may count from a client's last request; else have the backends end sessions",
	}
)

func sessionChecks() []Check {
	return []Check{InvalidSession, UnsupportedSession, RenewedSession}
}
