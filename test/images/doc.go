// Package images shows what is to be known of the images before they run: that two
// builds give the same bytes, and that they are small.
//
// In: the Dockerfile and the commands. Out: test results. It must not know what is
// in an image; whether it runs is shown by packages e2e and arm64.
//
// Builds on different days differ nevertheless: Debian's packages are those of the
// day.
package images
