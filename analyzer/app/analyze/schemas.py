"""Wire types of `POST /analyze-color`. The first two fields of the answer are the original server's."""

from pydantic import BaseModel, Field

from app.vision.problems import Warn
from app.vision.season import Season, Subtype, Undertone


class SkinView(BaseModel):
    """The skin's colour in CIE Lab under D65, measured on cheeks and forehead."""

    L: float = Field(ge=0, le=100)
    a: float
    b: float
    chroma: float = Field(ge=0)
    hue: float = Field(description="Hue angle in degrees", ge=-180, le=180)
    ita: float = Field(description="Individual typology angle in degrees", ge=-180, le=180)
    hex: str = Field(pattern=r"^#[0-9A-F]{6}$")


class FaceView(BaseModel):
    """The face's box in pixels of the upright photo."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)
    width: int = Field(ge=0)
    height: int = Field(ge=0)


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
    confidence: float = Field(description="The rule's own certainty, not calibrated", ge=0, le=1)
    skin: SkinView
    contrast: float = Field(description="L* of the skin minus that of the brows", ge=0, le=100)
    palette: list[str]
    face: FaceView
    warnings: list[Warn]
    model: ModelView


class ProblemView(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
