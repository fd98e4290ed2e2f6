"""Audio files of every format, rate and channel count, and every way they can be broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.audio import audio_info, read_audio, read_blocks, resample, write_audio
from audio_rnn.errors import AudioError

RATE = 16000
LOSSLESS = (".wav", ".flac", ".aiff", ".aif", ".au", ".w64", ".sph")
LOSSY = (".ogg", ".oga", ".opus", ".mp3")
DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


def tone(seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    """(samples,) float32 sine at half of full scale."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    write_audio(path, tone(), RATE)
    return path


@pytest.mark.parametrize("extension", LOSSLESS)
def test_lossless_formats_give_the_samples_back(tmp_path, extension):
    path = tmp_path / f"tone{extension}"
    write_audio(path, tone(), RATE)
    np.testing.assert_allclose(read_audio(path, RATE), tone(), atol=2**-15)


@pytest.mark.parametrize("extension", LOSSY)
def test_lossy_formats_give_nearly_the_samples_back(tmp_path, extension):
    path = tmp_path / f"tone{extension}"
    write_audio(path, tone(2.0), RATE)
    read = read_audio(path, RATE)
    assert len(read) == 2 * RATE
    middle = slice(RATE // 2, RATE)
    spectrum = np.abs(np.fft.rfft(read[middle]))
    assert spectrum.argmax() * RATE / (RATE // 2) == pytest.approx(440, abs=2)
    assert np.abs(read[middle]).max() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_any_rate_arrives_at_the_rate_asked_for(tmp_path, rate):
    path = tmp_path / "tone.wav"
    write_audio(path, tone(1.0, rate), rate)
    read = read_audio(path, RATE)
    assert len(read) == RATE
    inner = slice(800, -800)  # the resampler's filter sees silence before and after the file
    np.testing.assert_allclose(read[inner], tone()[inner], atol=1e-3)


def test_resampling_removes_what_the_lower_rate_cannot_hold():
    high = resample(tone(1.0, 48000, hertz=12000), 48000, RATE)
    assert np.abs(high[800:-800]).max() < 1e-3


@pytest.mark.parametrize("seconds", [0.01, 0.3, 20.0])
@pytest.mark.parametrize("rate", [RATE, 44100])
def test_blocks_joined_equal_the_whole_bit_for_bit(tmp_path, seconds, rate):
    path = tmp_path / "noise.flac"
    noise = np.random.default_rng(1).uniform(-0.9, 0.9, 2 * rate + 7).astype(np.float32)
    write_audio(path, noise, rate)
    blocks = list(read_blocks(path, RATE, seconds))
    whole = resample(soundfile.read(path, dtype="float32")[0], rate, RATE)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    np.testing.assert_array_equal(read_audio(path, RATE), whole)


def test_channels_are_mixed_by_their_mean_or_picked(tmp_path):
    path = tmp_path / "stereo.wav"
    left, right = tone(), tone(hertz=1000)
    soundfile.write(path, np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path, RATE), (left + right) / 2, atol=1e-6)
    np.testing.assert_array_equal(read_audio(path, RATE, channel=1), right)
    with pytest.raises(AudioError, match=r"no channel 2, expected 0 to 1 since it has 2"):
        read_audio(path, RATE, channel=2)
    with pytest.raises(AudioError, match="no channel -1"):
        read_audio(path, RATE, channel=-1)


def test_eight_bit_files_simply_work(tmp_path):
    path = tmp_path / "old.wav"
    soundfile.write(path, tone(), RATE, subtype="PCM_U8")
    np.testing.assert_allclose(read_audio(path, RATE), tone(), atol=2**-7)


def test_float_samples_beyond_one_are_left_as_they_are(tmp_path):
    path = tmp_path / "loud.wav"
    soundfile.write(path, 3 * tone(), RATE, subtype="FLOAT")
    assert read_audio(path, RATE).max() == pytest.approx(1.5, abs=1e-3)


def test_info(tmp_path):
    path = tmp_path / "tone.ogg"
    write_audio(path, tone(1.5, 8000), 8000)
    info = audio_info(path)
    assert (info.sample_rate, info.channels, info.frames) == (8000, 1, 12000)
    assert info.duration == pytest.approx(1.5)


def test_a_name_is_as_good_as_a_path(wav, tmp_path):
    copy = f"{tmp_path}/copy.flac"
    write_audio(copy, read_audio(str(wav), RATE), RATE)
    assert audio_info(copy) == audio_info(Path(copy)) == audio_info(str(wav))
    with pytest.raises(AudioError, match=r"^none\.wav: cannot be read: No such file"):
        read_audio("none.wav", RATE)


def test_a_stream_gives_the_same_as_the_file(wav):
    with wav.open("rb") as stream:
        np.testing.assert_array_equal(read_audio(stream, 8000), read_audio(wav, 8000))


def test_a_pipe_gives_the_same_as_the_file(wav):
    with subprocess.Popen(["cat", str(wav)], stdout=subprocess.PIPE) as process:
        assert not process.stdout.seekable()
        np.testing.assert_array_equal(read_audio(process.stdout, RATE), read_audio(wav, RATE))


def test_a_named_pipe_is_read_like_a_file(wav, tmp_path):
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", str(wav), str(pipe)]):
        np.testing.assert_array_equal(read_audio(pipe, RATE), read_audio(wav, RATE))


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF - 36])
def test_a_wav_written_to_a_pipe_names_no_length_and_is_read_whole(wav, size):
    data = bytearray(wav.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = size.to_bytes(4, "little")
    wav.write_bytes(data)
    assert len(read_audio(wav, RATE)) == RATE


def test_a_flac_written_to_a_pipe_names_no_length_and_is_read_whole(tmp_path):
    path = tmp_path / "tone.flac"
    write_audio(path, tone(1.7), RATE)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of STREAMINFO's total samples
    data[22:26] = bytes(4)
    path.write_bytes(data)
    np.testing.assert_allclose(read_audio(path, RATE), tone(1.7), atol=2**-15)
    assert audio_info(path).duration == pytest.approx(1.7)


@pytest.mark.parametrize("extension", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_truncated_files_are_named(tmp_path, extension, part):
    path = tmp_path / f"cut{extension}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE).astype(np.float32)
    write_audio(path, noise, RATE)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(AudioError, match=r"cut\..*(truncated|damage at its start).*copy it again"):
        read_audio(path, RATE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "found an empty file"),
        (b"hello, this is no sound\n" * 400, "no audio format that is known"),
        (b"RIFF\x00\x00\x00\x00WAVE", "no audio format that is known"),
        (bytes(5000), "no audio format that is known"),
        (b"OggS", "truncated"),
    ],
    ids=["empty", "text", "riff", "zeros", "ogg"],
)
def test_content_that_is_no_audio_is_named(tmp_path, content, reason):
    path = tmp_path / "fake.wav"
    path.write_bytes(content)
    for read in (lambda: read_audio(path, RATE), lambda: audio_info(path)):
        with pytest.raises(AudioError, match=rf"fake\.wav: .*{reason}.*expected"):
            read()


def test_headerless_raw_is_named(tmp_path):
    path = tmp_path / "samples.raw"
    path.write_bytes(bytes(1000))
    with pytest.raises(AudioError, match=r"samples\.raw: found no audio format"):
        read_audio(path, RATE)


def test_missing_file_and_directory_are_named(tmp_path):
    with pytest.raises(AudioError, match=r"none\.wav: cannot be read: .*check the name"):
        read_audio(tmp_path / "none.wav", RATE)
    with pytest.raises(AudioError, match="found a directory, expected an audio file"):
        read_audio(tmp_path, RATE)


def test_unreadable_permissions_are_named(wav):
    if os.geteuid() == 0:
        pytest.skip("root reads every file, whatever its permissions")
    wav.chmod(0)
    with pytest.raises(AudioError, match="Permission denied; check its permissions"):
        read_audio(wav, RATE)


def test_zero_samples_are_named(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros(0, np.float32), RATE)
    with pytest.raises(AudioError, match="found no samples, expected at least one"):
        read_audio(path, RATE)


def test_too_short_for_a_sample_at_the_rate_asked_for_is_named(tmp_path):
    path = tmp_path / "short.wav"
    write_audio(path, tone()[:1], 44100)
    with pytest.raises(AudioError, match="found 1 samples at 44100 Hz, expected at least one"):
        read_audio(path, 8000)
    write_audio(path, tone()[:4], 44100)
    assert len(read_audio(path, 8000)) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_named_with_their_place(tmp_path, value):
    path = tmp_path / "bad.wav"
    stereo = np.stack([tone(), tone()], axis=1)
    stereo[RATE // 2, 1] = value
    soundfile.write(path, stereo, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=rf"found sample {value} at 0\.500 s in channel 1"):
        list(read_blocks(path, RATE, seconds=0.1))


def test_an_absurd_rate_is_named(wav):
    data = bytearray(wav.read_bytes())
    data[24:28] = (3).to_bytes(4, "little")
    wav.write_bytes(data)
    with pytest.raises(AudioError, match="sample rate of 3 Hz, expected 100 to 1000000"):
        read_audio(wav, RATE)


def test_writing_names_what_cannot_be_written(tmp_path):
    for path in (tmp_path / "no" / "folder.wav", tmp_path / "a.xyz", tmp_path / "plain"):
        with pytest.raises(AudioError, match="cannot be written at 16000 Hz"):
            write_audio(path, tone(), RATE)
    with pytest.raises(AudioError, match="cannot be written at 12345 Hz"):
        write_audio(tmp_path / "a.opus", tone(), 12345)
    with pytest.raises(AudioError, match="found sample nan"):
        write_audio(tmp_path / "a.wav", np.full(10, np.nan, np.float32), RATE)


def test_ten_hours_are_read_in_the_memory_of_a_block(tmp_path):
    path = tmp_path / "long.flac"
    second = np.zeros(8000, np.float32)
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(600):
            file.write(np.tile(second, 60))
    code = (
        "import resource, sys; from pathlib import Path; from audio_rnn.audio import read_blocks\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); total = sum(map(len, read_blocks(Path(sys.argv[1]), 16000)))\n"
        "print(total, (peak() - before) // 1024)"
    )
    output = subprocess.check_output([sys.executable, "-c", code, str(path)], text=True)
    samples, grown = map(int, output.split())
    assert samples == 10 * 3600 * 16000
    assert grown < 50  # MiB; the whole would be 2200


def test_real_recordings_have_the_length_their_name_promises():
    folder = DATA / "librispeech_mini"
    if not folder.is_dir():
        pytest.skip("the shared recordings are not here")
    files = sorted(folder.rglob("*.flac"))[:5] or sorted(folder.rglob("*.ogg"))[:5]
    if not files:
        pytest.skip("no recordings in the shared folder")
    for path in files:
        assert len(read_audio(path, RATE)) == round(audio_info(path).duration * RATE)
