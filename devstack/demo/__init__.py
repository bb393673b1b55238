"""What the local shop opens with: a catalogue, its stock, and accounts to sign in with."""
