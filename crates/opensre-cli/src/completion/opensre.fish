# opensre completion for fish. The program answers; it reads the store, writes nothing and uses no network.
complete --keep-order --no-files --command opensre --arguments "(opensre __complete fish -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token) 2>/dev/null)"
