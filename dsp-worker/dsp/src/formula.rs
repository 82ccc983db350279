//! Formulas: a line of maths that a musician writes, compiled by the host and
//! computed by a module.
//!
//! A formula becomes code for a stack machine, in a clip. It knows the inputs
//! `a` to `d`, in volts, the params `x` to `z`, and the time `t` in seconds:
//!
//! | written | means |
//! |---|---|
//! | `+ - * / % ^` | arithmetic; `%` is never below 0 where its right side is above, `^` binds strongest |
//! | `< <= > >= == !=` | 1 where it is so, else 0 |
//! | `and or not` | what is above 0 counts as true |
//! | `if(c, then, else)` | one of two |
//! | `min max clamp(v, low, high)` | limits |
//! | `abs sign floor ceil round sqrt exp log sin cos tan tanh` | as in books; angles in radians |
//! | `pi tau` | 3.14159…, and twice that |
//!
//! What has no answer (`1 / 0`, `sqrt(-1)`) is 0. Numbers are f64, and made of
//! plain arithmetic: every machine computes the same bits.

use std::ops::Range;

use crate::units::QUANTUM;

mod maths;
mod parser;

pub use parser::{FormulaError, compile};

/// What a formula knows by name, in the order of [`Names`].
pub const NAMES: [&str; 8] = ["a", "b", "c", "d", "x", "y", "z", "t"];

/// What each of [`NAMES`] is at each frame.
pub type Names = [Row; NAMES.len()];

/// A number for each frame of a quantum.
pub type Row = [f64; QUANTUM];

/// How deep a formula may be nested, on the stack that it needs.
const DEPTH: usize = 24;

/// What a stack machine can do. Each stands in the code as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Op {
    /// Followed by a number in two halves.
    Number,
    /// Followed by the index of a name.
    Name,
    Negate,
    Not,
    Abs,
    Sign,
    Floor,
    Ceil,
    Round,
    Sqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Tan,
    Tanh,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
    And,
    Or,
    Min,
    Max,
    Clamp,
    If,
}

/// All of them, in the order of their numbers.
const OPS: [Op; 34] = [
    Op::Number,
    Op::Name,
    Op::Negate,
    Op::Not,
    Op::Abs,
    Op::Sign,
    Op::Floor,
    Op::Ceil,
    Op::Round,
    Op::Sqrt,
    Op::Exp,
    Op::Log,
    Op::Sin,
    Op::Cos,
    Op::Tan,
    Op::Tanh,
    Op::Add,
    Op::Subtract,
    Op::Multiply,
    Op::Divide,
    Op::Remainder,
    Op::Power,
    Op::Less,
    Op::AtMost,
    Op::More,
    Op::AtLeast,
    Op::Equal,
    Op::Unequal,
    Op::And,
    Op::Or,
    Op::Min,
    Op::Max,
    Op::Clamp,
    Op::If,
];

const _: () = assert!(Op::If as usize == OPS.len() - 1);

/// The functions that are written with parentheses.
const FUNCTIONS: [(&str, Op); 16] = [
    ("abs", Op::Abs),
    ("sign", Op::Sign),
    ("floor", Op::Floor),
    ("ceil", Op::Ceil),
    ("round", Op::Round),
    ("sqrt", Op::Sqrt),
    ("exp", Op::Exp),
    ("log", Op::Log),
    ("sin", Op::Sin),
    ("cos", Op::Cos),
    ("tan", Op::Tan),
    ("tanh", Op::Tanh),
    ("min", Op::Min),
    ("max", Op::Max),
    ("clamp", Op::Clamp),
    ("if", Op::If),
];

impl Op {
    /// How many numbers it takes from the stack; it puts one there.
    fn takes(self) -> usize {
        match self {
            Op::Number | Op::Name => 0,
            Op::Clamp | Op::If => 3,
            op if (op as usize) < Op::Add as usize => 1,
            _ => 2,
        }
    }

    fn one(self, value: f64) -> f64 {
        match self {
            Op::Negate => -value,
            Op::Not => truth(value <= 0.0),
            Op::Abs => value.abs(),
            Op::Sign => truth(value > 0.0) - truth(value < 0.0),
            Op::Floor => value.floor(),
            Op::Ceil => value.ceil(),
            Op::Round => value.round(),
            Op::Sqrt => value.sqrt(),
            Op::Exp => maths::exp(value),
            Op::Log => maths::log(value),
            Op::Sin => maths::sin(value),
            Op::Cos => maths::cos(value),
            Op::Tan => maths::sin(value) / maths::cos(value),
            _ => maths::tanh(value),
        }
    }

    fn two(self, left: f64, right: f64) -> f64 {
        match self {
            Op::Add => left + right,
            Op::Subtract => left - right,
            Op::Multiply => left * right,
            Op::Divide => left / right,
            Op::Remainder => left - right * (left / right).floor(),
            Op::Power => maths::power(left, right),
            Op::Less => truth(left < right),
            Op::AtMost => truth(left <= right),
            Op::More => truth(left > right),
            Op::AtLeast => truth(left >= right),
            Op::Equal => truth(left == right),
            Op::Unequal => truth(left != right),
            Op::And => truth(left > 0.0 && right > 0.0),
            Op::Or => truth(left > 0.0 || right > 0.0),
            Op::Min => left.min(right),
            _ => left.max(right),
        }
    }

    fn three(self, first: f64, second: f64, third: f64) -> f64 {
        match self {
            Op::Clamp => first.max(second).min(third),
            _ if first > 0.0 => second,
            _ => third,
        }
    }
}

fn truth(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// What has no answer is 0.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// What formulas are computed on.
pub struct Stack([Row; DEPTH]);

impl Default for Stack {
    fn default() -> Stack {
        Stack([[0.0; QUANTUM]; DEPTH])
    }
}

/// Computes a formula for some frames. Code that is none gives 0. What the stack
/// held before does not matter. Real-time safe.
pub fn run<'a>(
    code: &[f32],
    names: &Names,
    frames: Range<usize>,
    Stack(stack): &'a mut Stack,
) -> &'a Row {
    let mut height = 0;
    let mut code = code.iter().copied();
    // A letter from a stranger: what does not fit ends it.
    while let Some(op) = code.next().and_then(|number| OPS.get(number as usize)) {
        let frames = frames.clone();
        if height < op.takes() || (height == DEPTH && op.takes() == 0) {
            height = 0;
            break;
        }
        match op {
            Op::Number => {
                let halves = [code.next(), code.next()];
                let number = halves.into_iter().flatten().map(f64::from).sum();
                stack[height].fill(finite(number));
            }
            Op::Name => {
                let index = code.next().unwrap_or(0.0) as usize;
                stack[height] = names[index % NAMES.len()];
            }
            op => compute(*op, &mut stack[height - op.takes()..height], frames),
        }
        height = height + 1 - op.takes();
    }
    if height == 0 {
        stack[0].fill(0.0);
    }
    &stack[0]
}

/// Computes one operation on the top of the stack, whose first row takes the
/// answer.
fn compute(op: Op, rows: &mut [Row], frames: Range<usize>) {
    match rows {
        [only] => {
            for frame in frames {
                only[frame] = finite(op.one(only[frame]));
            }
        }
        [left, right] => {
            for frame in frames {
                left[frame] = finite(op.two(left[frame], right[frame]));
            }
        }
        [first, second, third] => {
            for frame in frames {
                first[frame] = finite(op.three(first[frame], second[frame], third[frame]));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a = 1, b = 2, c = 3, d = 4, x = 0.5, y = 0.25, z = 0, t = 10.
    fn answer(text: &str) -> f64 {
        let names = [1.0, 2.0, 3.0, 4.0, 0.5, 0.25, 0.0, 10.0].map(|value| [value; QUANTUM]);
        let code = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        run(&code, &names, 3..4, &mut Stack::default())[3]
    }

    fn refused(text: &str) -> String {
        compile(text).unwrap_err().to_string()
    }

    #[test]
    fn it_reckons_as_one_learns_it_at_school() {
        for (text, is) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-2 ^ 2", -4.0),
            ("2 ^ -1", 0.5),
            ("10 - 4 - 3", 3.0),
            ("7 % 4 + -1 % 4", 6.0),
            ("a + b*c - d/2", 5.0),
            ("x*y + z + t", 10.125),
            ("1.5e2 + .5", 150.5),
            ("if(a > b, 10, -10)", -10.0),
            ("a < b and not (c == d) or 0", 1.0),
            ("a >= 1 and b != 2", 0.0),
            ("min(a, b) + max(c, d)", 5.0),
            ("clamp(7, -1, 5) + abs(-3) + sign(-2)", 7.0),
            ("floor(-1.5) + ceil(1.2) + round(2.5)", 3.0),
            ("sqrt(16) + exp(0) + log(1)", 5.0),
            ("2 * (1 <= 1) + (2 < 1)", 2.0),
        ] {
            assert_eq!(answer(text), is, "{text}");
        }
        assert!((answer("sin(pi / 6) + cos(tau) + tan(0) + tanh(99)") - 2.5).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_answer_is_0() {
        for text in ["1 / 0", "sqrt(-1)", "log(0)", "log(-1)", "0 ^ -1", "(-1) ^ 0.5", "5 % 0"] {
            assert_eq!(answer(text), 0.0, "{text}");
        }
        assert_eq!(answer("exp(9999) + 1"), 1.0);
    }

    #[test]
    fn it_says_where_it_can_not_be_read() {
        assert_eq!(
            refused("a + "),
            "The formula cannot be read at its end: a number or a name is missing."
        );
        assert!(refused("").contains("at its end"));
        assert!(refused("a + #").contains("at character 5 (`#`)"));
        assert!(refused("(a + b").contains("`)` is missing"));
        assert!(refused("a b").contains("at character 3 (`b`)"));
        assert!(refused("sine(a)").contains("character 1 (`sine`): there is no such function"));
        assert!(refused("q").contains("there is no such name"));
        assert!(refused("min(a)").contains("`min` takes 2"));
        assert!(refused("sin(a, b)").contains("`sin` takes 1"));
        assert!(refused("1.2.3").contains("`1.2.3`"));
        assert!(refused(&"(".repeat(10_000)).contains("nested too deep"));
        assert!(refused(&"-".repeat(10_000)).contains("nested too deep"));
        assert!(refused(&format!("a{}", "+a".repeat(10_000))).contains("too long"));
        let deep = (0..40).fold("1".to_owned(), |inner, _| format!("1 + ({inner})"));
        assert!(refused(&deep).contains("nested too deep"));
    }

    #[test]
    fn code_of_a_stranger_is_computed_without_a_panic() {
        let names = [[1.0; QUANTUM]; NAMES.len()];
        let mut random = crate::random::Random::new(7);
        for _ in 0..20_000 {
            let code: Vec<f32> = (0..random.bits() % 30)
                .map(|_| match random.bits() % 8 {
                    0 => f32::from_bits(random.bits()),
                    _ => (random.bits() % 40) as f32 - 2.0,
                })
                .collect();
            assert!(
                run(&code, &names, 0..QUANTUM, &mut Stack::default())
                    .iter()
                    .all(|value| value.is_finite())
            );
        }
    }
}
