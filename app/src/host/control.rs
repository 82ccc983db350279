//! The patch under control.
