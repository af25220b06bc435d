// Package logging has the flags by which users choose what a command logs.
//
// In: flags, and the environment. Out: a logger. It must not know what is
// logged, or any package that the agent should not be linked with.
package logging
