// Package token is the printer: the only way for text to enter nginx
// configuration. A token is a piece of configuration that is safe wherever its
// type is used, whatever text it was made from.
//
// In: numbers, and text that users wrote. Out: tokens; or a refusal, for text
// that nginx cannot hold. It must not know what the tokens are for.
//
// Quoting follows ngx_conf_read_token: inside double quotes a backslash
// escapes a quote, a backslash, and t, r, n; a parameter has less than 4096
// bytes. Variables are expanded later, by each directive that takes them, with
// no escape for a dollar sign: a Value prints one as ${gw_dollar}, a variable
// that holds it.
package token
