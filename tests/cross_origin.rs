//! cross_origin
