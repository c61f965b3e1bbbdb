//! Prompt in, `Forecast` out: what each model would score, and how many tokens it would write.
//! Nothing lives here yet. What moves in takes the engine's nouns from `decision` and never knows async, sockets or clocks.
