//! Both directions, with messages written for these tests.

mod documents;
mod replies;
mod requests;
mod round_trips;
mod streams;
