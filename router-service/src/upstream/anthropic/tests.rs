//! Both directions, with messages written for these tests.

mod replies;
mod requests;
mod round_trips;
mod streams;
