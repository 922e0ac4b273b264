// Package oidctest signs people in by providers of OpenID Connect that are not ours: zitadel/oidc's example provider, and oidc-provider of npm. It is a module
// of its own so that their dependencies are not the product's.
package oidctest
