//go:build race

package pigato_test

// isRace tells that the race detector is built in, whose shadow of the memory grows with all that was ever used.
const isRace = true
