// Package drivers is what stands between git and notebooks: the filter, diff
// and merge drivers that git starts, and the settings that make git start them.
package drivers
