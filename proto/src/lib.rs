//! The wire, `pointsman.v1`: messages and the service, made from the `.proto` files beside this source.
//! Nothing lives here yet. What moves in knows none of our other packages: converting to and from the engine's
//! nouns is the business of `router-service`.
