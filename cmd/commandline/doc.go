// Package commandline reads what users write behind a program's name.
//
// In: commands and their flags. Out: the command that was named, with its flags
// set. It must not call methods by names that are known only when it runs, as many
// packages for this do: the linker then keeps every exported method of every type
// of the program, which makes the operator a quarter larger.
package commandline
