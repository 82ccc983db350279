//! Lists of ports and params, of which many are alike.

/// An array of ports or params. `step("step-", 1..=8)` in it stands for
/// `step("step-1")`, `step("step-2")` and so on; up to 4, 6, 8 or 16.
macro_rules! rows {
    [@ $done:tt $make:ident($prefix:literal, 1..=4) $(, $($rest:tt)*)?] => {
        rows![@ $done $make $prefix [1 2 3 4] $($($rest)*)?]
    };
    [@ $done:tt $make:ident($prefix:literal, 1..=6) $(, $($rest:tt)*)?] => {
        rows![@ $done $make $prefix [1 2 3 4 5 6] $($($rest)*)?]
    };
    [@ $done:tt $make:ident($prefix:literal, 1..=8) $(, $($rest:tt)*)?] => {
        rows![@ $done $make $prefix [1 2 3 4 5 6 7 8] $($($rest)*)?]
    };
    [@ $done:tt $make:ident($prefix:literal, 1..=16) $(, $($rest:tt)*)?] => {
        rows![@ $done $make $prefix [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16] $($($rest)*)?]
    };
    [@ [$($done:expr,)*] $make:ident $prefix:literal [$($n:literal)*] $($rest:tt)*] => {
        rows![@ [$($done,)* $($make(concat!($prefix, $n)),)*] $($rest)*]
    };
    [@ [$($done:expr,)*]] => {
        [$($done),*]
    };
    [@ [$($done:expr,)*] $one:expr $(, $($rest:tt)*)?] => {
        rows![@ [$($done,)* $one,] $($($rest)*)?]
    };
    [$($all:tt)*] => {
        rows![@ [] $($all)*]
    };
}

pub(crate) use rows;
