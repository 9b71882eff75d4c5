//go:build !race

package pigato_test

// isRace reports whether the race detector is built in. Its shadow memory grows with all memory
// that was ever used.
const isRace = false
