"""The training kit, from nothing to a model that moves a face, in seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.apps.cli import main
from mien.errors import InputError
from mien.face.base import FaceSettings
from mien.face.listen.driver import ListenDriver
from mien.face.listen.features import FEATURES, Features
from mien.face.listen.heads import APERTURE, CLOSED, HEADS, LISTENING_RATE
from mien.face.listen.network import LOOK_AHEADS, Network
from mien.lab.training import kit
from mien.lab.training.augment import Augment, Harshness, leveled, power
from mien.lab.training.clips import Clip
from mien.lab.training.export import export, imported
from mien.lab.training.labels import label_rows
from mien.lab.training.loop import Recipe, train
from mien.lab.training.network import LIKELIHOODS, Listener, delayed
from mien.lab.training.real import lips_shard, paced, thin_sound
from mien.lab.training.score import predict, score
from mien.lab.training.synthesis import SAMPLES, load_shard, make_shards
from mien.types import AudioChunk, Phone, SpeechPart

TINY = Recipe(width=24, batch=4, rows=60, steps=6, dropout=0.0)


def quiet(_line: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_shards(folder, 0.03, 0, shards=1, tell=quiet)
    return folder


def test_from_nothing_to_a_model_that_moves_a_face(tmp_path: Path) -> None:
    assert main(["train", "audio2face", "--out", str(tmp_path / "model"), "--smoke"]) == 0
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["training"]["steps"] == 12
    assert "espeak-ng" in (tmp_path / "model" / "card.md").read_text()
    for name in card["files"]:
        driver = ListenDriver(FaceSettings(lip_model=str(tmp_path / "model" / name)))
        driver.push(SpeechPart(AudioChunk(0, np.zeros(48_000, np.float32))))
        driver.close()
        assert driver.read().shapes.shape == (50, 52)


@pytest.mark.parametrize(
    "arguments", [["--data", "no-such"], ["--videos", "no-such"], ["--base", "no-such.pt"], ["--width", "4"]]
)
def test_bad_input_is_refused(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "audio2face", "--out", str(tmp_path), "--smoke", *arguments]) != 0
    assert "Traceback" not in capsys.readouterr().err


def test_data_is_the_same_for_the_same_seed(data: Path, tmp_path: Path) -> None:
    again = load_shard(make_shards(tmp_path, 0.03, 0, shards=1, tell=quiet)[0])
    first = load_shard(data / "speech-00")
    np.testing.assert_array_equal(first.sound, again.sound)
    np.testing.assert_array_equal(first.labels, again.labels)


def test_training_learns(data: Path, tmp_path: Path) -> None:
    shard = load_shard(data / "speech-00")
    said: list[str] = []
    calm = Harshness(room=0, noise=0, babble=0, only_noise=0, band=0, gaps=0, warp=False)
    recipe = replace(TINY, steps=200, harshness=calm, average=0.95)
    net = train([shard], recipe, tmp_path, said.append)
    sound = np.asarray(shard.sound[: 1500 * SAMPLES] / 32768, np.float32)
    told = predict(net, sound)[:, APERTURE]
    assert np.corrcoef(told, shard.labels[:1500, APERTURE])[0, 1] > 0.4
    assert said


def test_a_run_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    shard = load_shard(data / "speech-00")
    train([shard], TINY, tmp_path, quiet)
    train([shard], replace(TINY, steps=9), tmp_path, quiet)
    assert json.loads((tmp_path / "progress.json").read_text())["progress"]["step"] == 9


def test_the_exported_file_answers_as_the_network_does(tmp_path: Path) -> None:
    net = Listener(24).eval()
    heard = torch.randn(1, 90, FEATURES)
    for i, look_ahead in enumerate(LOOK_AHEADS):
        file = tmp_path / f"{look_ahead}.onnx"
        export(net, look_ahead, file, {"licence": "Apache-2.0"})
        with torch.no_grad():
            wanted = net(heard)[0, :, i].numpy()
        stream = Network(look_ahead, file)
        told = [stream.run(heard[0, a : a + 30].numpy()) for a in (0, 30, 60)]
        np.testing.assert_allclose(np.concatenate(told), wanted, atol=1e-5)


def test_a_network_comes_back_from_its_files(tmp_path: Path) -> None:
    net, files = Listener(32).eval(), {la: tmp_path / f"{la}.onnx" for la in LOOK_AHEADS}
    for look_ahead, file in files.items():
        export(net, look_ahead, file, {})
    features = torch.randn(1, 40, FEATURES)
    assert torch.equal(imported(files).eval()(features), net(features))
    assert kit.shipped_network().width >= 128


def test_training_hears_what_the_driver_hears() -> None:
    rng = np.random.default_rng(0)
    sound = (rng.standard_normal(LISTENING_RATE * 2) * 0.05).astype(np.float32)
    from mien.face.listen.features import mel_matrix

    trained = leveled(power(torch.from_numpy(sound)[None]) @ torch.from_numpy(mel_matrix()).T)[0].numpy()
    import soxr

    lived = Features().push(np.asarray(soxr.resample(sound, LISTENING_RATE, 48_000), np.float32))
    assert np.abs(trained[5:95] - lived[5:95]).mean() < 0.1


def test_labels_close_the_lips_of_an_m() -> None:
    rows = label_rows([Phone(0, 9600, "a"), Phone(9600, 14_400, "m"), Phone(14_400, 24_000, "a")], 0, 25)
    assert rows[3, APERTURE] > 0.4
    assert rows[12, APERTURE] < 0.05


@pytest.mark.parametrize("look_ahead", [0, 1, 3])
def test_an_answer_speaks_of_look_ahead_rows_before_the_end_of_what_it_heard(look_ahead: int) -> None:
    labels = torch.arange(20.0).reshape(1, 20, 1).expand(1, 20, HEADS)
    wanted = delayed(labels, look_ahead)
    assert wanted[0, 10, 0] == 10 + 1 - look_ahead


def test_augmentation_keeps_shape_and_unknown_labels(data: Path) -> None:
    shard = load_shard(data / "speech-00")
    sound = torch.from_numpy(shard.sound[: 4 * 60 * SAMPLES].astype(np.float32) / 32768).reshape(4, -1)
    labels = torch.full((4, 60, HEADS), torch.nan)
    heard, told = Augment(Harshness(), torch.Generator().manual_seed(0))(sound, labels)
    assert heard.shape == (4, 60, FEATURES)
    assert torch.isfinite(heard).all()
    assert torch.isnan(told).all()


def test_a_recording_is_read_without_pictures(tmp_path: Path) -> None:
    import wave

    tone = (8000 * np.sin(np.arange(44_100) * 440 * 2 * np.pi / 44_100)).astype("<i2")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(tone.tobytes())
    thin = thin_sound(tmp_path / "tone.wav")
    assert abs(len(thin) - LISTENING_RATE) <= 1
    assert np.abs(np.fft.rfft(thin[:16_000])).argmax() == 440


def test_at_another_pace_labels_stay_with_their_sounds() -> None:
    sound = np.zeros(3 * LISTENING_RATE, np.float32)
    sound[LISTENING_RATE : LISTENING_RATE + 4800] = 0.3  # a burst where the lips are shut
    phones = [Phone(0, 48_000, "a"), Phone(48_000, 62_400, "m"), Phone(62_400, 144_000, "a")]
    lengths = []
    for burst, labels in paced(sound, phones):
        loud = np.flatnonzero(np.abs(burst) > 1000) / 320
        shut = np.flatnonzero(labels[:, CLOSED] > 0.5)
        assert abs(loud.mean() - shut.mean()) < 3
        lengths.append(len(labels))
    assert min(lengths) < 150 < max(lengths) and 150 in lengths


def test_likelihoods_are_likelihoods() -> None:
    told = Listener(32)(torch.randn(2, 60, FEATURES) * 30)[..., LIKELIHOODS].detach()
    assert float(told.min()) >= 0 and float(told.max()) <= 1


def test_a_person_is_learned_from_tracked_lips(tmp_path: Path) -> None:
    """Lips that follow loudness and nothing else: a personal shard must teach just that."""
    rng = np.random.default_rng(0)
    clips = []
    for i in range(8):
        loud = np.repeat(rng.random(30) > 0.5, 5).astype(float)
        sound = (rng.standard_normal(150 * SAMPLES) * 0.1 * np.repeat(loud, SAMPLES)).astype(np.float32)
        clips.append(Clip(f"c{i}", sound, loud, np.zeros(150), (0, 150)))
    stem = lips_shard(clips[1:], tmp_path / "lips")
    assert stem is not None
    calm = Harshness(room=0, noise=0, babble=0, only_noise=0, band=0, gaps=0, warp=False)
    net = train([load_shard(stem)], replace(TINY, steps=150, harshness=calm, average=0.9), tmp_path / "run", quiet)
    assert score(net, clips[:1]).aperture > 0.8


def test_a_folder_without_films_is_refused(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    with pytest.raises(InputError, match="no films"):
        kit.run(kit.Plan(tmp_path / "out", TINY, 0.02, 1, videos=tmp_path / "films"), quiet)


def test_small_folders_are_held_out_whole_and_large_ones_in_part() -> None:
    clip = Clip("c", np.zeros(16_000, np.float32), np.zeros(50), np.zeros(50), (0, 50))
    assert kit.split([clip] * 9) == ([], [clip] * 9)
    teach, check = kit.split([clip] * 80)
    assert (len(teach), len(check)) == (70, 10)
