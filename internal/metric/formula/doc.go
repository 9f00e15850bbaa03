// Package formula is CloudWatch's metric math ("Using math expressions with CloudWatch metrics"): Parse reads an
// expression, Eval computes it over time series that a Scope gives. It knows no store; searches go back to the Scope.
package formula
