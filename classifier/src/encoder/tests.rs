//! Encoders are read whole or refused by name.
