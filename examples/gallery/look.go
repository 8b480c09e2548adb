package main

// What a visitor sees of a release. A commit that changes these lines shows at once which release answers.
const (
	version  = "1"
	headline = "Cats of the harbour"
	accent   = "#2f6fde"
)
