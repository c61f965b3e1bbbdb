//! The judge: what a policy would have cost and scored on real outcomes, always beside its baselines.
//! Nothing lives here yet. What moves in replays rows through `decision` itself, so that the verdict is about the code that serves.
