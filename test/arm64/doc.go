// Package arm64 shows that what a Raspberry Pi runs runs: the chart with the
// images for arm64, emulated, on the real one-node cluster, serving the sample.
//
// In: the images that the Dockerfile makes for arm64. Out: test results. It must
// not know more than a user on the LAN sees, and which processor a process is
// for.
package arm64
