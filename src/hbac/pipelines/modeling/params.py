"""Parameters of the pipeline ``modeling``."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from hbac.eeg.shape import WINDOW_SECONDS
from hbac.models.augmentation import Augmentation
from hbac.models.image import ImageLayout
from hbac.models.inputs import INPUTS, PRETRAINED, Pooling, check_pooling, split_names
from hbac.models.preprocessing import seen_waveform
from hbac.models.schedule import Cosine
from hbac.models.seeds import network_names
from hbac.models.waveform import WaveformLayout
from hbac.pipelines.parameters import Parameters


class ImageParams(Parameters):
    """The picture that a network sees; see ``hbac.models.ImageLayout``."""

    sources: tuple[Literal["regional", "eeg", "centre"], ...] = Field(description="left to right")
    fit: Literal["crop", "stretch"] = Field(description="how a regional panel fills its cell")
    normalisation: Literal["window", "global"] = Field(description="of regional panels")
    eeg_order: Literal["aligned", "seed"] = Field(description="chains of EEG panels, downward")
    # The record of an earlier run has none.
    channels: Literal["chains", "all"] = Field("chains", description="as EEG spectrograms are made")
    panel_height: PositiveInt = Field(description="pixels")
    panel_width: PositiveInt = Field(description="pixels")

    @property
    def layout(self) -> ImageLayout:
        """The picture's layout."""
        return ImageLayout.of_panels(**self.model_dump())


class WaveformParams(Parameters):
    """The bipolar EEG that a network sees; see ``hbac.eeg.bipolar_waveforms``."""

    seconds: float = Field(ge=1, le=WINDOW_SECONDS, description="middle of the window that is seen")
    sampling_rate: PositiveFloat = Field(description="samples a second")
    scale: Literal["fixed", "window"] = Field(description="fixed units, or each window its own")
    # What networks see is not changed by it, and their record does not hold it.
    shift: NonNegativeFloat = Field(0, description="seconds, largest shift in training")

    @model_validator(mode="after")
    def _stays_in_the_window(self) -> Self:
        most = (WINDOW_SECONDS - self.seconds) / 2
        if self.shift > most:
            raise ValueError(
                f"shift must be {most:g} or less, so that {self.seconds:g} s stay in the window of "
                f"{WINDOW_SECONDS} s, received {self.shift:g}"
            )
        return self

    @classmethod
    def of_ensemble(cls, ensemble: Mapping[str, Any]) -> Self:
        """What an ensemble's networks see."""
        return cls(**seen_waveform(ensemble))

    @property
    def layout(self) -> WaveformLayout:
        """The waveforms' layout, with margins for the shift."""
        return WaveformLayout.of_seconds(self.seconds, self.sampling_rate, self.shift)


class NetworkParams(Parameters):
    """The networks and how they are compiled."""

    architecture: str = Field(description="names that hbac.models.build_model knows, joined by +")
    weights: str | None = Field(description="imagenet, the path of a weights file, or null")
    dropout: float = Field(ge=0, lt=1, description="share of features dropped before the classes")
    pooling: Pooling = Field(description="of features, over their map")
    waveform_pooling: Pooling | None = Field(description="where networks see waveforms, or null")
    drop_path: float = Field(ge=0, lt=1, description="share of a last branch left out")
    batch_norm_momentum: float = Field(ge=0, lt=1, description="of the moving statistics")
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        description="Keras' policy"
    )
    jit_compile: bool | Literal["auto"] = Field(description="compile by XLA")

    @field_validator("architecture")
    @classmethod
    def _is_known(cls, value: str) -> str:
        split_names(value)
        return value

    @model_validator(mode="after")
    def _can_pool(self) -> Self:
        for name in self.architectures:
            check_pooling(name, self._pooling_of(name))
        return self

    def _pooling_of(self, architecture: str) -> Pooling:
        of_waveforms = self.waveform_pooling if INPUTS[architecture] == "waveform" else None
        return of_waveforms or self.pooling

    def settings(self, architecture: str) -> dict[str, Any]:
        """What one of the networks is built and compiled with."""
        shared = self.model_dump(exclude={"architecture", "waveform_pooling"})
        return shared | {
            "architecture": architecture,
            "weights": self.weights if architecture in PRETRAINED else None,
            "pooling": self._pooling_of(architecture),
        }

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that are trained side by side."""
        return split_names(self.architecture)

    @property
    def inputs(self) -> set[str]:
        """What the architectures see."""
        return {INPUTS[name] for name in self.architectures}


class SeenParams(Parameters):
    """What networks see, of which more than spectrograms is made while an EEG is read."""

    architecture: str = Field(description="as of the network")
    image: ImageParams
    waveform: WaveformParams

    @property
    def inputs(self) -> set[str]:
        """What the architectures see."""
        return {INPUTS[name] for name in split_names(self.architecture)}


class TrainingParams(Parameters):
    """The training of one network."""

    schedule: Literal["steps", "cosine"] = Field(description="how the learning rate changes")
    learning_rates: tuple[PositiveFloat, ...] = Field(min_length=1, description="of steps")
    epochs: PositiveInt = Field(description="of cosine")
    peak_learning_rate: PositiveFloat = Field(description="of cosine")
    warm_up_epochs: NonNegativeFloat = Field(description="of cosine, below the peak")
    second_stage_votes: NonNegativeInt = Field(description="fewest votes there; 0: no such stage")
    second_stage_epochs: PositiveInt = Field(description="of the second stage")
    second_stage_learning_rate: PositiveFloat = Field(description="its peak, by cosine")
    batch_size: PositiveInt = Field(description="windows a step")
    feed: Literal["auto", "host", "stream", "resident"] = Field(
        description="how windows reach the network"
    )
    windows_per_epoch: Literal["all", "one_per_eeg"] = Field(description="drawn anew in each")
    class_balance: float = Field(ge=0, le=1, description="1: all classes are seen as often")
    vote_weighting: tuple[NonNegativeFloat, NonNegativeFloat] = Field(
        description="power of votes by which windows weigh, in the first and the last epoch"
    )
    prior_votes: NonNegativeFloat = Field(description="votes that the class prior counts for")
    weight_decay: NonNegativeFloat = Field(description="of AdamW; 0: Adam")
    clip_norm: PositiveFloat | None = Field(description="largest norm of a step's gradients")
    average_momentum: float | None = Field(gt=0, lt=1, description="of the weights' average")
    recalibration_batches: NonNegativeInt = Field(description="for statistics; 0: moving ones")
    keep: Literal["best", "last"] = Field(description="the epoch whose weights are kept")
    teacher_votes: NonNegativeFloat = Field(description="that a teacher counts for; 0: no teacher")
    teacher_fewest_votes: NonNegativeInt = Field(description="of windows that teachers learn from")
    seeds: PositiveInt = Field(description="networks of each architecture and fold")
    full_fit: bool = Field(description="train networks on all folds, too, for new recordings")
    seed: int = Field(description="of weights, order, augmentation and dropout")

    @model_validator(mode="after")
    def _has_rates(self) -> "TrainingParams":
        self.rates  # noqa: B018, raises
        return self

    @model_validator(mode="after")
    def _keeps_what_it_can_tell(self) -> "TrainingParams":
        if self.full_fit and self.keep == "best":
            raise ValueError(
                "full_fit holds out no window that tells the best epoch: set keep to last, "
                "received best"
            )
        return self

    @property
    def rates(self) -> Sequence[float]:
        """Learning rate of each epoch of the first stage, or of each step."""
        if self.schedule == "steps":
            return self.learning_rates
        return Cosine(self.epochs, self.peak_learning_rate, self.warm_up_epochs)

    @property
    def optimizer(self) -> dict[str, float | None]:
        """Options of the optimizer; see ``hbac.models.compiled_model``."""
        return {
            "weight_decay": self.weight_decay,
            "clip_norm": self.clip_norm,
            "average_momentum": self.average_momentum,
        }

    @property
    def second_stage_rates(self) -> Sequence[float]:
        """Learning rate of each step of the second stage."""
        return Cosine(self.second_stage_epochs, self.second_stage_learning_rate)


def _increases(edges: tuple[float, float]) -> tuple[float, float]:
    if edges[0] > edges[1]:
        raise ValueError(f"must be [lowest, highest], received {list(edges)}")
    return edges


CutOffs = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_increases)]


class AugmentationParams(Parameters):
    """How training windows are changed; see ``hbac.models.Augmentation``."""

    mirror: float = Field(ge=0, le=1, description="probability of swapped hemispheres")
    swap_chains: float = Field(ge=0, le=1, description="of swapped chains, in each hemisphere")
    time_reversal: float = Field(ge=0, le=1, description="of time that runs backwards")
    time_shift: float = Field(ge=0, lt=1, description="largest shift, share of each part")
    time_mask: float = Field(ge=0, lt=1, description="longest stretch, share of each part")
    frequency_mask: float = Field(ge=0, lt=1, description="widest band, share of a panel")
    gain: NonNegativeFloat = Field(description="deviation of the logarithm of a window's gain")
    channel_gain: NonNegativeFloat = Field(description="of each channel's")
    low_pass: CutOffs | None = Field(description="lowest and highest cut-off in Hz, or null")
    high_pass: CutOffs | None = Field(description="the same")
    tilt: NonNegativeFloat = Field(description="deviation of the spectrum's tilt about 4 Hz")
    dip: float = Field(ge=0, le=1, description="largest depth of a dip between 3 and 15 Hz")
    noise: NonNegativeFloat = Field(
        description="largest amplitude of 1/f noise, share of the EEG's"
    )
    drop_channel: float = Field(ge=0, le=1, description="probability of a missing channel")
    drop_chain: float = Field(ge=0, le=1, description="of a missing chain, in each part")
    drop_panel: float = Field(ge=0, le=1, description="of a missing part, such as the 10 minutes")
    drop_stretch: float = Field(ge=0, le=1, description="of a missing stretch, in each part")
    mixup: NonNegativeFloat = Field(description="alpha of the Beta distribution")

    @property
    def augmentation(self) -> Augmentation:
        """The augmentation."""
        return Augmentation(**self.model_dump())


class ModelingParams(Parameters):
    """Everything that makes the models."""

    n_folds: int = Field(ge=2, description="number of patient-grouped folds")
    fold_seed: int = Field(description="of who is in which fold")
    image: ImageParams
    waveform: WaveformParams
    network: NetworkParams
    training: TrainingParams
    augmentation: AugmentationParams
    mirrored_prediction: bool = Field(description="predict the mean with the mirror image")
    blend: bool = Field(description="learn weights of architectures and a bias a class")

    @model_validator(mode="after")
    def _shifts_what_is_seen(self) -> Self:
        if self.waveform.shift and "waveform" not in self.network.inputs:
            raise ValueError(
                f"waveform.shift must be 0 where networks see pictures alone, as "
                f"{self.network.architecture}, received {self.waveform.shift:g}"
            )
        return self

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks of each fold; see ``hbac.models.seeds``."""
        return network_names(self.network.architectures, self.training.seeds)
