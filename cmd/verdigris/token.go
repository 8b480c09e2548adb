package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"verdigris/store"
)

func (c *cli) tokenCommand() *cobra.Command {
	return group("token", "Make, list and revoke the tokens of the API", c.tokenCreateCommand(), c.tokenListCommand(), c.tokenRevokeCommand())
}

func (c *cli) tokenCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and show it, this once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd.Context(), func(s *store.Store) error {
				token, err := s.CreateToken(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if c.json {
					return c.writeJSON(map[string]string{"name": args[0], "token": token})
				}
				fmt.Fprintf(c.err, "keep it well, it is not shown again:\n")
				_, err = fmt.Fprintln(c.out, token)
				return err
			})
		},
	}
}

func (c *cli) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the tokens' names",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withStore(cmd.Context(), func(s *store.Store) error {
				tokens, err := s.Tokens(cmd.Context())
				if err != nil {
					return err
				}
				if c.json {
					return c.writeJSON(tokens)
				}
				rows := [][]string{{"NAME", "MADE", "LAST USED"}}
				for _, token := range tokens {
					rows = append(rows, []string{token.Name, ago(token.CreatedAt), ago(token.LastUsed)})
				}
				return c.writeTable(rows)
			})
		},
	}
}

func (c *cli) tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "Revoke a token at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd.Context(), func(s *store.Store) error {
				if err := s.RemoveToken(cmd.Context(), args[0]); err != nil {
					return err
				}
				if c.json {
					return c.writeJSON(map[string]string{"revoked": args[0]})
				}
				_, err := fmt.Fprintf(c.out, "%s is revoked\n", args[0])
				return err
			})
		},
	}
}

// withStore opens the journal, which the daemon may have open too.
func (c *cli) withStore(ctx context.Context, do func(*store.Store) error) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, cfg.Journal())
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}
