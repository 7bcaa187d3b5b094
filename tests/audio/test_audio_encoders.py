from __future__ import annotations

import gc
import io

import av
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, dominant_frequency, in_chunks, snr_db, tone, voice_like
from support.decoded_audio import hear, sniff

from tts_server.audio.encoders import ENCODERS, create_encoder, supported_rate
from tts_server.speech import FORMATS, AudioFormat, Samples

FILES = [format for format in AudioFormat if format is not AudioFormat.PCM]
MINIMUM_SNR = {"mp3": 20, "opus": 15, "aac": 20, "m4a": 20, "flac": 60, "wav": 60}


def encoded(format: AudioFormat, samples: Samples, rate: int = RATE, *, streamed: bool = True, sizes: tuple[int, ...] = ()) -> bytes:
    encoder = create_encoder(format, rate, streamed=streamed)
    return b"".join([encoder.encode(part) for part in in_chunks(samples, sizes)] + [encoder.flush()])


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("format", FILES)
def test_every_format_decodes_to_what_went_in(format: AudioFormat, streamed: bool) -> None:
    speech = voice_like(3.0)
    data = encoded(format, speech, streamed=streamed)
    heard = hear(data)
    assert sniff(data) == format.value
    assert heard.channels == 1
    assert heard.seconds == pytest.approx(3.0, abs=0.09)
    decoded = heard.samples if heard.rate == RATE else heard.samples[:: heard.rate // RATE]
    assert snr_db(speech, decoded) > MINIMUM_SNR[format.value]


@pytest.mark.parametrize("format", FILES)
@pytest.mark.parametrize("wanted", [8000, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_its_pitch_level_and_length_at_every_rate(format: AudioFormat, wanted: int) -> None:
    rate = supported_rate(format, wanted)
    heard = hear(encoded(format, tone(1000, 1.0, rate), rate))
    middle = heard.samples[heard.rate // 4 : heard.rate // 4 * 3]
    assert heard.rate == (48000 if format is AudioFormat.OPUS else rate)
    assert heard.seconds == pytest.approx(1.0, abs=0.27 if rate <= 8000 else 0.15)
    assert dominant_frequency(middle, heard.rate) == pytest.approx(1000, abs=3)
    assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.06)


def test_every_format_has_a_row_of_facts_and_an_encoder() -> None:
    assert set(FORMATS) == set(ENCODERS) == set(AudioFormat)


@pytest.mark.parametrize("format", list(AudioFormat))
def test_only_a_header_that_holds_the_length_differs_between_streamed_and_whole_files(format: AudioFormat) -> None:
    streamed, whole = (encoded(format, voice_like(0.2), streamed=streamed) for streamed in (True, False))
    assert (streamed != whole) is format.header_holds_length


def test_pcm_is_little_endian_signed_16_bit() -> None:
    data = encoded(AudioFormat.PCM, np.array([0.0, 1.0, -1.0, 0.5], dtype=np.float32))
    assert np.frombuffer(data, "<i2").tolist() == [0, 32767, -32767, 16384]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("format", list(AudioFormat))
@settings(max_examples=4, deadline=None)
@given(sizes=st.lists(st.integers(0, 9000), max_size=6))
def test_the_file_does_not_depend_on_how_its_samples_arrive(format: AudioFormat, streamed: bool, sizes: list[int]) -> None:
    speech = voice_like(1.0)
    assert encoded(format, speech, streamed=streamed, sizes=tuple(sizes)) == encoded(format, speech, streamed=streamed)


@pytest.mark.parametrize("format", FILES)
def test_streamed_and_buffered_files_hold_the_same_samples(format: AudioFormat) -> None:
    speech = voice_like(1.3)
    streamed, buffered = (hear(encoded(format, speech, streamed=streamed)).samples for streamed in (True, False))
    assert np.array_equal(streamed, buffered)


@pytest.mark.parametrize("format", list(AudioFormat))
def test_a_streamed_file_gives_out_its_audio_while_it_grows(format: AudioFormat) -> None:
    encoder = create_encoder(format, RATE, streamed=True)
    speech = voice_like(2.0)
    early = b"".join(encoder.encode(part) for part in in_chunks(speech[: RATE // 2], (2400, 2400, 2400)))
    heard = hear(early, RATE if format is AudioFormat.PCM else None)
    encoder.close()
    assert heard.seconds > 0.25


def test_a_streamed_wav_says_that_its_length_is_unknown() -> None:
    data = encoded(AudioFormat.WAV, voice_like(0.2))
    assert data[4:8] == data[40:44] == b"\xff\xff\xff\xff"


def test_a_buffered_wav_states_its_exact_length() -> None:
    data = encoded(AudioFormat.WAV, voice_like(0.2), streamed=False)
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert int.from_bytes(data[40:44], "little") == len(data) - 44 == 4800 * 2


def test_a_buffered_flac_states_its_number_of_samples() -> None:
    data = encoded(AudioFormat.FLAC, voice_like(0.2), streamed=False)
    assert int.from_bytes(data[21:26], "big") & 0xF_FFFF_FFFF == 4800


def test_mp3_has_neither_tag_nor_info_frame() -> None:
    data = encoded(AudioFormat.MP3, voice_like(1.0))
    assert not any(mark in data for mark in (b"ID3", b"Xing", b"Info", b"VBRI"))


def test_the_first_mp3_frame_borrows_no_bits_from_an_earlier_one() -> None:
    main_data_begin = encoded(AudioFormat.MP3, voice_like(1.0))[4]
    assert main_data_begin == 0


def test_mp3_files_joined_by_bytes_play_one_after_the_other() -> None:
    first, second = encoded(AudioFormat.MP3, tone(500, 1.5)), encoded(AudioFormat.MP3, tone(2000, 1.0))
    lengths = [hear(data).seconds for data in (first, second)]
    joined = hear(first + second)
    assert joined.seconds == pytest.approx(sum(lengths), abs=0.001)
    joint = round(lengths[0] * RATE)
    assert dominant_frequency(joined.samples[joint - 12000 : joint - 4000], RATE) == pytest.approx(500, abs=5)
    assert dominant_frequency(joined.samples[joint + 4000 : joint + 12000], RATE) == pytest.approx(2000, abs=5)


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    """The boxes of an MP4 file on one level: type and content."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append((data[4:8].decode("ascii"), data[8:size]))
        data = data[size:]
    return found


def test_an_m4a_is_a_header_followed_by_fragments() -> None:
    kinds = [kind for kind, _ in boxes(encoded(AudioFormat.M4A, voice_like(1.0)))]
    assert kinds[:2] == ["ftyp", "moov"]
    assert kinds[2:] == ["moof", "mdat"] * (len(kinds[2:]) // 2)
    assert 7 <= len(kinds[2:]) // 2 <= 12


@pytest.mark.parametrize("num_samples", [1, 1023, 1024, 1025, 24000, 31999])
@pytest.mark.parametrize("rate", [8000, 24000, 44100])
def test_an_m4a_states_the_exact_place_of_its_samples(rate: int, num_samples: int) -> None:
    """Its first sample is at 0, after the padding of the codec, and its last frame ends where the samples end."""
    with av.open(io.BytesIO(encoded(AudioFormat.M4A, voice_like(4.0, rate)[:num_samples], rate))) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    assert packets[0].pts == -1024
    assert packets[-1].pts + packets[-1].duration == num_samples


def test_an_m4a_holds_each_sample_in_its_place() -> None:
    """A click is decoded where it was put."""
    samples = np.zeros(RATE, np.float32)
    samples[[5000, 12345, 20001]] = 0.9
    heard = hear(encoded(AudioFormat.M4A, samples))
    loud = np.flatnonzero(heard.samples > 0.3)
    assert len(heard.samples) - len(samples) in range(1024)
    assert not np.abs(heard.samples[len(samples) + 200 :]).max(initial=0) > 0.01
    assert [int(place) for place in loud if heard.samples[place] == heard.samples[place - 20 : place + 20].max()] == [5000, 12345, 20001]


@pytest.mark.parametrize("format", [format for format in AudioFormat if format.spec.bit_rates])
def test_bandwidth_is_not_thrown_away(format: AudioFormat) -> None:
    """White noise keeps at least a quarter of its energy between 7 and 9 kHz, where the s of a woman lies."""
    noise = (0.1 * np.random.default_rng(1).standard_normal(2 * RATE)).astype(np.float32)
    heard = hear(encoded(format, noise))
    spectrum = np.abs(np.fft.rfft(heard.samples)) ** 2
    frequency = np.fft.rfftfreq(len(heard.samples), 1 / heard.rate)
    high, low = (spectrum[(frequency > a) & (frequency < b)].sum() for a, b in ((7000, 9000), (2000, 4000)))
    assert high > 0.25 * low


@pytest.mark.parametrize(
    ("format", "wanted", "rate"),
    [
        (AudioFormat.MP3, 10000, 11025),
        (AudioFormat.MP3, 24000, 24000),
        (AudioFormat.MP3, 46000, 44100),
        (AudioFormat.OPUS, 44100, 48000),
        (AudioFormat.OPUS, 25000, 48000),
        (AudioFormat.OPUS, 22050, 24000),
        (AudioFormat.AAC, 40000, 44100),
        (AudioFormat.M4A, 40000, 44100),
        (AudioFormat.FLAC, 10001, 10001),
        (AudioFormat.WAV, 12345, 12345),
        (AudioFormat.PCM, 9999, 9999),
    ],
)
def test_the_nearest_rate_a_codec_can_carry(format: AudioFormat, wanted: int, rate: int) -> None:
    assert supported_rate(format, wanted) == rate


def test_a_rate_that_the_codec_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        create_encoder(AudioFormat.OPUS, 44100, streamed=True)


@pytest.mark.parametrize("format", list(AudioFormat))
def test_samples_that_are_not_numbers_or_too_large_do_no_harm(format: AudioFormat) -> None:
    wild = voice_like(1.0)
    wild[1000:1010] = np.nan
    wild[2000:2010] = np.inf
    wild[3000:3010] = 7.0
    heard = hear(encoded(format, wild), RATE if format is AudioFormat.PCM else None)
    assert np.isfinite(heard.samples).all()
    assert heard.seconds == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("format", list(AudioFormat))
def test_an_encoder_is_unusable_after_flush_and_after_close(format: AudioFormat) -> None:
    flushed, closed = (create_encoder(format, RATE, streamed=True) for _ in range(2))
    flushed.encode(voice_like(0.1))
    flushed.flush()
    closed.close()
    closed.close()
    for encoder in (flushed, closed):
        with pytest.raises(ValueError, match="finished"):
            encoder.encode(voice_like(0.1))


@pytest.mark.parametrize("format", FILES)
def test_abandoned_encoders_leave_no_memory_behind(format: AudioFormat) -> None:
    process, speech = psutil.Process(), voice_like(0.5)

    def abandon(times: int) -> None:
        for _ in range(times):
            encoder = create_encoder(format, RATE, streamed=True)
            encoder.encode(speech)
            encoder.close()
        gc.collect()

    # An encoder that leaked would keep at least its 50 kB of state or audio a hundred times, each time. The allocator of a large process
    # takes a few megabytes more now and then: one time without growth shows that nothing leaks.
    limit = 4_000_000
    abandon(30)
    growths: list[int] = []
    while len(growths) < 3 and min(growths, default=limit) >= limit:
        before = process.memory_info().rss
        abandon(100)
        growths.append(process.memory_info().rss - before)
    assert min(growths) < limit
