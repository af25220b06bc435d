// Package standin holds what the stand-ins for real applications share: they
// say what reached them, and end without dropping a request.
//
// In: requests. Out: a plain text that repeats them. It must not know the
// Gateway, nor the tests.
package standin
