// Package apt installs Debian packages: on the host, what the cluster lacks,
// and in folders and archives of their own, what images are made of.
//
// In: packages, and for those of the host one file that each provides. Out:
// they are there. It does nothing, and needs no network, when the files exist
// already. It must not know what the packages are for.
package apt
