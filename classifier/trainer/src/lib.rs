//! Rows in, artifact out: fit, calibrate, tune, onboard, publish.
//! Nothing lives here yet. The thing a newcomer would get wrong: held-out rows have a door of their own, and this package may not open it.
