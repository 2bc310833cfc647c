"""Wire types of `POST /analyze-color`. The first two fields of the answer are the original server's."""

from typing import Final, Literal

from pydantic import BaseModel, Field

from app.vision.influence import Cause
from app.vision.problems import Warn
from app.vision.season import Season, Subtype, Undertone

_HEX: Final = r"^#[0-9A-F]{6}$"


class SkinView(BaseModel):
    """The skin's colour in CIE Lab under D65, measured on cheeks and forehead."""

    L: float = Field(ge=0, le=100)
    a: float
    b: float
    chroma: float = Field(ge=0)
    hue: float = Field(description="Hue angle in degrees", ge=-180, le=180)
    ita: float = Field(description="Individual typology angle in degrees", ge=-180, le=180)
    hex: str = Field(pattern=_HEX)


class ProbabilitiesView(BaseModel):
    """How likely each season is; they add up to 1."""

    SPRING: float = Field(ge=0, le=1)
    SUMMER: float = Field(ge=0, le=1)
    AUTUMN: float = Field(ge=0, le=1)
    WINTER: float = Field(ge=0, le=1)


class ContrastsView(BaseModel):
    """L* of the skin minus that of each part; null: the part is not to be seen."""

    hair: float | None = Field(ge=0, le=100)
    brow: float | None = Field(ge=0, le=100)
    iris: float | None = Field(ge=0, le=100)


class ColoursView(BaseModel):
    """Colours of the parts of the face in the light assumed; null: the part is not to be seen."""

    skin: str = Field(pattern=_HEX)
    lips: str | None = Field(pattern=_HEX)
    brow: str | None = Field(pattern=_HEX)
    iris: str | None = Field(pattern=_HEX)
    hair: str | None = Field(pattern=_HEX)


class LightView(BaseModel):
    """The light of the photo, as the skin and the white of the eyes show it."""

    source: Literal["SKIN", "SKIN_AND_SCLERA"] = Field(description="SKIN: the eyes are too small or closed")
    hex: str = Field(pattern=_HEX, description="What was taken for the light's colour and corrected")
    kelvin: float = Field(description="Colour temperature of that, 6500 being neutral", ge=2000)
    mireds: float = Field(description="The same as 1e6/kelvin over neutral: positive is warm")
    spread: float = Field(description="Standard deviation of mireds", ge=0)
    trust: float = Field(description="How likely the skin's own colour can be told in it", ge=0, le=1)


class FaceView(BaseModel):
    """The face's box in pixels of the upright photo."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)
    width: int = Field(ge=0)
    height: int = Field(ge=0)


class RegionView(BaseModel):
    """Where skin was looked for."""

    name: Literal["RIGHT_CHEEK", "LEFT_CHEEK", "FOREHEAD"] = Field(description="The person's right and left")
    measured: bool = Field(description="False: out of the picture, dark or white all over")
    points: list[tuple[int, int]] = Field(description="Its outline, x and y in pixels of the upright photo")


class InfluenceView(BaseModel):
    """What moved the answer."""

    code: Cause
    effect: float = Field(description="Probability that it moved from one season to others", ge=0, le=1)


class ModelView(BaseModel):
    """Which rules gave the answer."""

    name: str
    version: str


class AnalysisView(BaseModel):
    """The answer to one photo."""

    userId: int | str | None = Field(description="As it was sent")  # noqa: N815 - the app's spelling
    personalColor: Season  # noqa: N815
    subtype: Subtype
    undertone: Undertone
    confidence: float = Field(
        description="How likely this is the season of the skin's true colour, measured on recoloured faces",
        ge=0,
        le=1,
    )
    runnerUp: Season  # noqa: N815
    probabilities: ProbabilitiesView
    skin: SkinView
    contrast: float = Field(description="Mean of the contrasts that are known, 0 if none is", ge=0, le=100)
    contrasts: ContrastsView
    colours: ColoursView
    palette: list[str] = Field(description="Colours that suit the subtype")
    avoid: list[str] = Field(description="Colours that do not")
    light: LightView
    face: FaceView
    regions: list[RegionView]
    influences: list[InfluenceView] = Field(description="The strongest first; those under 0.05 are left out")
    warnings: list[Warn]
    model: ModelView


class ProblemView(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
