// Package rig sets up what the data path benchmark measures: the proxies and the
// backends of a site, all in one network namespace, the proxies on some cores and
// everything else on the others.
//
// In: a site and which cores are for whom. Out: proxies that serve the site, the
// processor time that each has used, and the field on which load is run. It must
// not know what is asked of the proxies.
package rig
