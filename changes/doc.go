// Package changes follows what changes in Autotask.
package changes
