// Package source brings commits of one app's git repository onto disk: a bare mirror that fetches exactly the
// commit that was pushed, and a folder with that commit's files.
//
// It runs the git command, in an environment of its own: no configuration, hook, filter or credential of the
// machine plays a part, no argument goes through a shell, and no submodule is followed. The repository comes from
// the configuration alone. What is built from the files, and when, is not its business.
package source
