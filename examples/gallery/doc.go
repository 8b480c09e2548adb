// Gallery is a small web application that keeps pictures in redis. It is what verdigris deploys in its demo
// and end-to-end tests, and knows nothing of verdigris but two environment variables that every slice gets.
package main
