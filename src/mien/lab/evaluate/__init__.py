"""How good is it? One measure a module, each a pure function over arrays; :mod:`.film` joins them for one film."""
