"""The recipe of the degradations, one file each."""

from schemas.recipe.degradations.agenticir import AgenticIRModes as AgenticIRModes
from schemas.recipe.degradations.agenticir import AgenticIRSection as AgenticIRSection
from schemas.recipe.degradations.albumentations import AlbumentationsSection as AlbumentationsSection
from schemas.recipe.degradations.apisr import ApisrModes as ApisrModes
from schemas.recipe.degradations.apisr import ApisrSection as ApisrSection
from schemas.recipe.degradations.blur import BlurModes as BlurModes
from schemas.recipe.degradations.blur import BlurSection as BlurSection
from schemas.recipe.degradations.compression import CompressionModes as CompressionModes
from schemas.recipe.degradations.compression import CompressionSection as CompressionSection
from schemas.recipe.degradations.depictqa import DepictQAModes as DepictQAModes
from schemas.recipe.degradations.depictqa import DepictQASection as DepictQASection
from schemas.recipe.degradations.flare import FlareModes as FlareModes
from schemas.recipe.degradations.flare import FlareSection as FlareSection
from schemas.recipe.degradations.haze import HazeFields as HazeFields
from schemas.recipe.degradations.haze import HazeModes as HazeModes
from schemas.recipe.degradations.haze import HazeSection as HazeSection
from schemas.recipe.degradations.noise import NoiseModes as NoiseModes
from schemas.recipe.degradations.noise import NoiseSection as NoiseSection
from schemas.recipe.degradations.patterns import PatternsSection as PatternsSection
from schemas.recipe.degradations.rain import RainModes as RainModes
from schemas.recipe.degradations.rain import RainSection as RainSection
from schemas.recipe.degradations.realesrgan import RealEsrganSection as RealEsrganSection
from schemas.recipe.degradations.reflection import ReflectionModes as ReflectionModes
from schemas.recipe.degradations.reflection import ReflectionSection as ReflectionSection
from schemas.recipe.degradations.section import DegradationsSection as DegradationsSection
from schemas.recipe.degradations.web_style import WebStyleSection as WebStyleSection
