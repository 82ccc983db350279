//! Comments: coloured rectangles with words, behind the modules.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use super::problem::Problem;
use super::{GroupId, Name, check_text, is_id};

/// How many colours a comment can have.
pub const PALETTE_COLOURS: u8 = 8;

/// A coloured rectangle with a text on it. Nothing is heard of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comment {
    /// What it says.
    pub text: String,
    /// Where its left edge is on the canvas, in points.
    pub x: f32,
    /// Where its top edge is on the canvas, in points.
    pub y: f32,
    /// In points.
    pub width: f32,
    /// In points.
    pub height: f32,
    /// Which of the 8 colours, from 0.
    pub colour: u8,
    /// The group that it lies in. `None`: it lies on the canvas itself.
    pub group: Option<GroupId>,
    /// In a linked group, the number that it has in every copy of that. 0: none.
    pub twin: u32,
}

/// A comment's name within its patch. It is not shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommentId(Name);

impl Comment {
    /// Whether it is somewhere, and its text and colour may be what they are.
    pub(crate) fn check(&self, id: &CommentId) -> Result<(), Problem> {
        check_text("text of the comment", &self.text)?;
        let Comment { x, y, width, height, .. } = *self;
        let is_somewhere = [x, y, width, height].iter().all(|number| number.is_finite());
        if !is_somewhere || width < 0.0 || height < 0.0 {
            return Err(Problem::NoRectangle { comment: id.to_string() });
        }
        check_colour(self.colour)
    }
}

/// Whether it is one of the palette's.
pub(crate) fn check_colour(colour: u8) -> Result<(), Problem> {
    let is_colour = colour < PALETTE_COLOURS;
    if is_colour { Ok(()) } else { Err(Problem::NoColour { colour, last: PALETTE_COLOURS - 1 }) }
}

impl CommentId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommentId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<CommentId, Problem> {
        let is_fit = is_id(text);
        if is_fit {
            Ok(CommentId(text.into()))
        } else {
            Err(Problem::BadCommentId { id: text.into() })
        }
    }
}

impl Borrow<str> for CommentId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&mut Comment)) -> String {
        let mut comment = Comment::default();
        change(&mut comment);
        comment.check(&"note".parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_comment_is_a_rectangle_of_the_palette() {
        Comment::default().check(&"note".parse().unwrap()).unwrap();
        assert!(refused(|comment| comment.x = f32::NAN).contains("`note`"));
        assert!(refused(|comment| comment.height = f32::INFINITY).contains("`note`"));
        assert!(refused(|comment| comment.width = -1.0).contains("`note`"));
        assert!(refused(|comment| comment.colour = 8).contains("0 to 7"));
        assert!(refused(|comment| comment.text = "a\0".into()).contains("text of the comment"));
    }

    #[test]
    fn a_comment_is_called_as_modules_are() {
        assert_eq!("note-2".parse::<CommentId>().unwrap().as_str(), "note-2");
        for bad in ["", "-a", "A", "a b"] {
            assert!(bad.parse::<CommentId>().is_err(), "{bad}");
        }
    }
}
