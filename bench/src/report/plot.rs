//! Charts as SVG files.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

const SIZE: (u32, u32) = (900, 420);
/// Colours distinguishable with any kind of colour vision (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(60, 60, 60),
];

/// A named series of points.
pub type Curve = (String, Vec<(f64, f64)>);

/// A line chart.
#[derive(Debug)]
pub struct Chart {
    /// Name of the chart; its file is `bench-NAME.svg`.
    pub name: String,
    /// Title above the chart.
    pub title: String,
    /// Label of the horizontal axis.
    pub x: &'static str,
    /// Label of the vertical axis.
    pub y: &'static str,
    /// Series of the chart.
    pub curves: Vec<Curve>,
}

impl Chart {
    /// Draws the chart to a file.
    pub fn draw(&self, path: &Path) -> anyhow::Result<()> {
        // The library's errors borrow the picture.
        self.render(path).map_err(|error| anyhow!("{error}"))
    }

    fn render(&self, path: &Path) -> Result<(), Box<dyn std::error::Error + '_>> {
        let root = SVGBackend::new(path, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let points = || self.curves.iter().flat_map(|(_, points)| points);
        let largest =
            |values: f64, value: f64| if value.is_finite() { values.max(value) } else { values };
        let width = points().map(|point| point.0).fold(0.0, largest).max(1e-9);
        let height = points().map(|point| point.1).fold(0.0, largest).max(1e-9) * 1.05;
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..width, 0.0..height)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(self.x)
            .y_desc(self.y)
            .draw()?;
        for ((name, points), colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let drawn =
                points.iter().copied().filter(|point| point.0.is_finite() && point.1.is_finite());
            chart.draw_series(LineSeries::new(drawn, colour.stroke_width(2)))?.label(name).legend(
                move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)),
            );
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        root.present()?;
        Ok(())
    }
}
