// Package testkit holds what the tests of several packages share: waiting for a condition, free ports, short
// directories, the images of the test containers, seeds and rounds. Only tests import it. What one package's tests need
// alone stays beside them.
package testkit
