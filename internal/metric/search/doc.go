// Package search reads CloudWatch's search expressions ("CloudWatch search expression syntax") and says which metrics they
// find: {Namespace, Dimension} MetricName="Errors" (ProjectA OR ProjectB) NOT test.
package search
