// Command expansionbot notices when a customer is ready to buy more and hands the
// opportunity to the right seller in Slack. See README.md.
package main

import (
	"os"

	"expansionbot/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
