// Package lint says of manifests what admission and status will say of them,
// before they are applied, and where to mend them.
//
// In: manifests and what they are judged by. Out: a Report, and its four forms:
// text for people, JSON, SARIF, and GitHub's workflow commands. It must not
// know rules of its own: what is wrong is what compiler/judgement says, as at
// admission.
package lint
