package pigato_test

func leakClients(arguments []string) error { return nil }
func leakCancels(arguments []string) error { return nil }
func stuckWorker(arguments []string) error { return nil }
