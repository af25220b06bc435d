package diagnostic

// The checks of CORS and RequestMirror filters.
var (
	// InvalidCORS: a list that browsers take for something else
	InvalidCORS = Check{
		ID: "invalid-cors", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a list that browsers take for something else",
		Example:  `allowMethods: ["*", GET]`,
		Fix:      `write "*" alone, or names`,
		BySchema: true,
	}
	// InvalidCORSOrigin: a web site that no browser names so, and that therefore would be kept out
	InvalidCORSOrigin = Check{
		ID: "invalid-cors-origin", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a web site that no browser names so, and that therefore would be kept out",
		Example:  `allowOrigins: ["https://www-.example.net"]`,
		Fix:      "write https://www.example.net or https://*.example.net for example",
	}
	// CORSWithoutOrigins: a CORS filter that lets no web site in
	CORSWithoutOrigins = Check{
		ID: "cors-without-origins", Severity: Warn, Reason: "NoOrigins",
		Prevents: "a CORS filter that lets no web site in",
		Example:  "cors: {allowMethods: [GET]}",
		Fix:      `name web sites in allowOrigins, or write "*" for all`,
	}
	// CORSExposesNothing: exposed headers that browsers do not show
	CORSExposesNothing = Check{
		ID: "cors-exposes-nothing", Severity: Warn, Reason: "NotExposed",
		Prevents: "exposed headers that browsers do not show",
		Example:  `cors: {allowCredentials: true, exposeHeaders: ["*"]}`,
		Fix:      "name the headers, or leave allowCredentials out",
	}
	// InvalidMirrorShare: a share of the requests that is none
	InvalidMirrorShare = Check{
		ID: "invalid-mirror-share", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a share of the requests that is none",
		Example:  "requestMirror: {percent: 120}",
		Fix:      "write percent from 0 to 100, or a fraction up to 1",
		BySchema: true,
	}
)

func edgeChecks() []Check {
	return []Check{
		InvalidCORS,
		InvalidCORSOrigin,
		CORSWithoutOrigins,
		CORSExposesNothing,
		InvalidMirrorShare,
	}
}
