//! Pictures of what the window draws, made without a screen: to be looked at, and for
//! the docs. `UPDATE_PICTURES=1` writes them to `docs/pictures`.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use eframe::egui::epaint::{ClippedPrimitive, ImageData, Primitive, Vertex};
use eframe::egui::{
    Color32, ColorImage, Context, Pos2, RawInput, Rect, Shape, TextureId, Ui, Vec2,
};

use super::theme::{Theme, fonts};

mod catalogue;
mod states;

/// Draws some frames of an interface at `scale` pixels a point. Every piece of writing
/// in the last one, and its size in points. That frame is kept under `name`, where
/// pictures are asked for.
fn draw(
    theme: &Theme,
    size: Vec2,
    scale: f32,
    name: Option<&str>,
    mut ui: impl FnMut(&mut Ui),
) -> Vec<(String, f32)> {
    let ctx = Context::default();
    ctx.set_fonts(fonts());
    theme.apply(&ctx);
    let mut atlas = ColorImage::default();
    let mut drawn = None;
    for frame in 0..3 {
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
            time: Some(f64::from(frame)),
            ..RawInput::default()
        };
        input.viewports.entry(input.viewport_id).or_default().native_pixels_per_point = Some(scale);
        let mut output = ctx.run_ui(input, &mut ui);
        for (id, deltas) in &output.textures_delta.set {
            assert_eq!(*id, TextureId::default(), "only fonts are drawn from");
            for delta in deltas {
                let ImageData::Color(image) = &delta.image;
                take_in(&mut atlas, image, delta.pos);
            }
        }
        output.textures_delta.clear();
        let mut words = Vec::new();
        output.shapes.iter().for_each(|clipped| writing(&clipped.shape, &mut words));
        drawn = Some((output.shapes, words));
    }
    let (shapes, words) = drawn.expect("three frames were drawn");
    let Some(name) = name.filter(|_| std::env::var_os("UPDATE_PICTURES").is_some()) else {
        return words;
    };
    let pixels = [size.x, size.y].map(|points| (points * scale).round() as usize);
    let mut canvas = Canvas { scale, image: ColorImage::filled(pixels, theme.canvas) };
    for ClippedPrimitive { clip_rect, primitive } in ctx.tessellate(shapes, scale) {
        let Primitive::Mesh(mesh) = primitive else { continue };
        for corners in mesh.indices.as_chunks().0 {
            canvas.triangle(corners.map(|at| mesh.vertices[at as usize]), clip_rect, &atlas);
        }
    }
    keep(&canvas.image, name);
    words
}

/// A part of the fonts' texture, or all of it.
fn take_in(atlas: &mut ColorImage, image: &Arc<ColorImage>, at: Option<[usize; 2]>) {
    let Some([left, top]) = at else {
        *atlas = (**image).clone();
        return;
    };
    for y in 0..image.height() {
        for x in 0..image.width() {
            atlas[(left + x, top + y)] = image[(x, y)];
        }
    }
}

fn writing(shape: &Shape, words: &mut Vec<(String, f32)>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| writing(shape, words)),
        Shape::Text(text) => {
            let size =
                text.galley.job.sections.first().map_or(0.0, |part| part.format.font_id.size);
            words.push((text.galley.job.text.clone(), size));
        }
        _ => {}
    }
}

/// Pixels, and how many of them are a point.
struct Canvas {
    scale: f32,
    image: ColorImage,
}

impl Canvas {
    /// Fills every pixel whose middle is inside, as a graphics card does.
    fn triangle(&mut self, corners: [Vertex; 3], clip: Rect, atlas: &ColorImage) {
        let [a, b, c] = corners.map(|corner| corner.pos * self.scale);
        let area = cross(a, b, c);
        if area == 0.0 {
            return;
        }
        let bounds = Rect::from_points(&[a, b, c]).intersect(clip * self.scale);
        let [width, height] = self.image.size;
        let span = |from: f32, to: f32, most: usize| {
            let inside = |at: f32| (at - 0.5).ceil().clamp(0.0, most as f32) as usize;
            inside(from)..inside(to)
        };
        for y in span(bounds.top(), bounds.bottom(), height) {
            for x in span(bounds.left(), bounds.right(), width) {
                let at = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
                let parts = [cross(b, c, at), cross(c, a, at), cross(a, b, at)];
                let parts = parts.map(|part| part / area);
                if parts.iter().all(|part| *part >= 0.0) {
                    let ink = shade(&corners, parts, atlas);
                    let under = &mut self.image[(x, y)];
                    *under = under.blend(ink);
                }
            }
        }
    }
}

fn cross(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    let (across, down) = (b - a, c - a);
    across.x * down.y - across.y * down.x
}

/// The colour inside of a triangle, by the nearness of its corners.
fn shade(corners: &[Vertex; 3], parts: [f32; 3], atlas: &ColorImage) -> Color32 {
    let mut place = Vec2::ZERO;
    let mut colour = [0.0; 4];
    for (corner, part) in corners.iter().zip(parts) {
        place += corner.uv.to_vec2() * part;
        for (sum, of) in colour.iter_mut().zip(corner.color.to_array()) {
            *sum += part * f32::from(of);
        }
    }
    let texel = sample(atlas, place);
    let of = |channel: usize| (colour[channel] * texel[channel] / 255.0).round() as u8;
    Color32::from_rgba_premultiplied(of(0), of(1), of(2), of(3))
}

/// The four nearest texels, by their nearness.
fn sample(atlas: &ColorImage, place: Vec2) -> [f32; 4] {
    let [width, height] = atlas.size;
    let at = place * Vec2::new(width as f32, height as f32) - Vec2::splat(0.5);
    let first = at.floor();
    let part = at - first;
    let mut all = [0.0; 4];
    for (x, y, weight) in [
        (0.0, 0.0, (1.0 - part.x) * (1.0 - part.y)),
        (1.0, 0.0, part.x * (1.0 - part.y)),
        (0.0, 1.0, (1.0 - part.x) * part.y),
        (1.0, 1.0, part.x * part.y),
    ] {
        let x = (first.x + x).clamp(0.0, width as f32 - 1.0) as usize;
        let y = (first.y + y).clamp(0.0, height as f32 - 1.0) as usize;
        for (sum, of) in all.iter_mut().zip(atlas[(x, y)].to_array()) {
            *sum += weight * f32::from(of);
        }
    }
    all
}

/// Writes a picture into `docs/pictures`.
fn keep(image: &ColorImage, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures");
    let file = BufWriter::new(File::create(folder.join(name)).unwrap());
    let [width, height] = image.size.map(|side| u32::try_from(side).unwrap());
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let pixels = image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]);
    encoder.write_header().unwrap().write_image_data(&pixels.collect::<Vec<u8>>()).unwrap();
}
