package snapshot

// GatewayAPI says which CRDs of the Gateway API a cluster has, as these say
// themselves by annotation.
type GatewayAPI struct {
	// Version is that of the bundle, "v1.6.3"; empty where it is not said.
	Version string
	// Channel is "standard" or "experimental"; empty where it is not said.
	Channel string
}
