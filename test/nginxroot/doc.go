// Package nginxroot provides the nginx that Gatewright ships, as a root
// directory in which tests run it with chroot: configuration is judged by the
// version that will serve it, not by the one of the developer's machine.
//
// In: nothing. Out: the path of a directory with Debian forky's nginx and its
// stream module, made once per machine and shared by all test processes. It
// must not know any configuration.
package nginxroot
