//! Safe wrappers of the dozen eSpeak NG functions in use, as `speak_lib.h` of version 1.51 declares
//! them. All of the library's state is global, and two threads in it at once corrupt it:
//! [`Library`] is the only handle, and it stays on its thread.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_short, c_uint, c_void};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

const AUDIO_OUTPUT_SYNCHRONOUS: c_int = 2;
const INITIALIZE_DONT_EXIT: c_int = 0x8000;
const CHARS_UTF8: c_uint = 1;
const POS_CHARACTER: c_int = 1;
const EE_OK: c_int = 0;

/// A parameter of the voice, by its number in `espeak_PARAMETER`.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(super) enum Parameter {
    /// 80 to 450; more where libsonic is compiled in.
    Rate = 1,
    /// 0 to 200; 100 is normal, and only tests change it.
    #[cfg(test)]
    Volume = 2,
    /// 0 to 100; 50 is normal.
    Pitch = 3,
}

#[repr(C)]
struct EspeakVoice {
    name: *const c_char,
    languages: *const c_char,
    identifier: *const c_char,
    gender: u8,
    age: u8,
    variant: u8,
    xx1: u8,
    score: c_int,
    spare: *mut c_void,
}

/// An event among the samples of a callback; the list ends with [`EVENT_END`].
#[repr(C)]
struct EspeakEvent {
    kind: c_int,
    unique_identifier: c_uint,
    text_position: c_int,
    length: c_int,
    audio_position: c_int,
    sample: c_int,
    user_data: *mut c_void,
    id: EspeakEventId,
}

#[repr(C)]
union EspeakEventId {
    number: c_int,
    name: *const c_char,
    string: [c_char; 8],
}

const EVENT_END: c_int = 0;
const EVENT_WORD: c_int = 1;

/// A word among the samples, by eSpeak's counting.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordEvent {
    /// The word's first sample in the utterance, approximately.
    pub(super) sample: c_int,
    /// The word's first character in the text, from 1.
    pub(super) position: c_int,
    /// In characters.
    pub(super) length: c_int,
}

type SynthCallback = extern "C" fn(*mut c_short, c_int, *mut EspeakEvent) -> c_int;

unsafe extern "C" {
    fn espeak_Initialize(
        output: c_int,
        buflength: c_int,
        path: *const c_char,
        options: c_int,
    ) -> c_int;
    fn espeak_SetSynthCallback(callback: SynthCallback);
    fn espeak_Synth(
        text: *const c_void,
        size: usize,
        position: c_uint,
        position_type: c_int,
        end_position: c_uint,
        flags: c_uint,
        unique_identifier: *mut c_uint,
        user_data: *mut c_void,
    ) -> c_int;
    fn espeak_SetParameter(parameter: c_int, value: c_int, relative: c_int) -> c_int;
    fn espeak_SetVoiceByName(name: *const c_char) -> c_int;
    fn espeak_SetVoiceByProperties(spec: *mut EspeakVoice) -> c_int;
    fn espeak_GetCurrentVoice() -> *const EspeakVoice;
    fn espeak_ListVoices(spec: *mut EspeakVoice) -> *const *const EspeakVoice;
    fn espeak_Info(path_data: *mut *const c_char) -> *const c_char;
    fn espeak_Terminate() -> c_int;
}

/// Takes the samples, and the words that begin in or shortly after them; `false` ends the
/// synthesis.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&[WordEvent], &[i16]) -> bool;

thread_local! {
    /// The sink of the synthesis that runs on this thread: a pointer to a [`Sink`], or null.
    static SINK: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
}

extern "C" fn on_samples(
    samples: *mut c_short,
    n_samples: c_int,
    events: *mut EspeakEvent,
) -> c_int {
    let sink = SINK.get().cast::<Sink<'_>>();
    let n_samples = usize::try_from(n_samples).unwrap_or(0);
    if samples.is_null() || n_samples == 0 || sink.is_null() {
        return 0;
    }
    // SAFETY: eSpeak passes `n_samples` valid samples for the length of this call. `sink` was set
    // by `Library::synthesize` further down this thread's stack, and nothing else uses it.
    let (samples, sink) = unsafe { (std::slice::from_raw_parts(samples, n_samples), &mut *sink) };
    c_int::from(!sink(&words(events), samples))
}

/// The words among `events`, most often none.
fn words(mut event: *const EspeakEvent) -> Vec<WordEvent> {
    let mut words = Vec::new();
    // SAFETY: eSpeak passes an array of valid events that ends with `EVENT_END`, and keeps it for
    // the length of the callback.
    while let Some(&EspeakEvent { kind, text_position: position, length, sample, .. }) =
        unsafe { event.as_ref() }.filter(|event| event.kind != EVENT_END)
    {
        if kind == EVENT_WORD {
            words.push(WordEvent { sample, position, length });
        }
        // SAFETY: this was not the last.
        event = unsafe { event.add(1) };
    }
    words
}

/// Replaces pcaudiolib's function of that name, and finds no sound system. eSpeak NG calls it
/// whenever it is initialised, even if it only produces samples: pcaudiolib's opens a stream at the
/// sound server, and never returns if the server hangs.
#[unsafe(no_mangle)]
extern "C" fn create_audio_device_object(
    _device: *const c_char,
    _application: *const c_char,
    _description: *const c_char,
) -> *mut c_void {
    ptr::null_mut()
}

static IN_USE: AtomicBool = AtomicBool::new(false);

/// The library, initialised. Not `Send`: its state is global and not locked.
pub(super) struct Library {
    /// The rate of the samples, in Hz.
    pub(super) sample_rate: u32,
    _not_send: PhantomData<*mut ()>,
}

#[expect(
    clippy::unused_self,
    reason = "the handle proves that the library is open and in exclusive use"
)]
impl Library {
    /// Starts the library; an error where its data are missing, or where it is in use. Once a
    /// process: after a second start, 1.51 hangs when it is terminated.
    pub(super) fn open() -> Result<Self, String> {
        if IN_USE.swap(true, Ordering::SeqCst) {
            return Err("it runs already in this process".to_owned());
        }
        // SAFETY: `IN_USE` ensures that it is called once at a time; a null path means the default.
        let rate = unsafe {
            espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, ptr::null(), INITIALIZE_DONT_EXIT)
        };
        let Some(sample_rate) = u32::try_from(rate).ok().filter(|&rate| rate > 0) else {
            IN_USE.store(false, Ordering::SeqCst);
            return Err("its data are missing; install espeak-ng-data".to_owned());
        };
        // SAFETY: the callback is a plain function that lives for ever.
        unsafe { espeak_SetSynthCallback(on_samples) };
        Ok(Self { sample_rate, _not_send: PhantomData })
    }

    /// Speaks `text` into `sink`, to the end or until it returns `false`. Plain text: no SSML, no
    /// phonemes. Without the end pause, which is 190 ms of zeros.
    pub(super) fn synthesize(&mut self, text: &str, mut sink: Sink<'_>) -> Result<(), String> {
        let text = CString::new(text).map_err(|_| "it holds a NUL".to_owned())?;
        let size = text.as_bytes_with_nul().len();
        SINK.set(ptr::from_mut(&mut sink).cast());
        // SAFETY: `text` is NUL-terminated and outlives the call, which is synchronous; so does
        // `sink`, whose pointer is taken back before it goes.
        let status = unsafe {
            espeak_Synth(
                text.as_ptr().cast(),
                size,
                0,
                POS_CHARACTER,
                0,
                CHARS_UTF8,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        SINK.set(ptr::null_mut());
        if status == EE_OK { Ok(()) } else { Err(format!("error {status}")) }
    }

    /// Sets a parameter for what is spoken next.
    pub(super) fn set(&mut self, parameter: Parameter, value: i32) {
        // SAFETY: plain numbers; eSpeak clamps them.
        unsafe { espeak_SetParameter(parameter as c_int, value, 0) };
    }

    /// Sets the voice of that name, or else one of that language, with the variant after a `+`;
    /// `false` where there is none.
    pub(super) fn set_voice(&mut self, name: &str) -> bool {
        if self.set_named(name) {
            return true;
        }
        let (language, variant) = name.split_once('+').unwrap_or((name, ""));
        if !self.set_language(language) && !self.set_listed(language) {
            return false;
        }
        // Setting a voice by language drops the variant; setting it by identifier keeps it.
        variant.is_empty() || self.set_named(&format!("{}+{variant}", self.identifier()))
    }

    fn set_named(&mut self, name: &str) -> bool {
        let Ok(name) = CString::new(name) else { return false };
        // SAFETY: a NUL-terminated string that outlives the call.
        unsafe { espeak_SetVoiceByName(name.as_ptr()) == EE_OK }
    }

    /// Sets the voice that is listed with that language: eSpeak does not find a long tag such as
    /// `chr-US-Qaaa-x-west` itself.
    fn set_listed(&mut self, language: &str) -> bool {
        let mut listed = self.voices().into_iter();
        let is_it = |(_, other, _): &(String, String, String)| other == language;
        !language.is_empty()
            && listed.find(is_it).is_some_and(|(_, _, identifier)| self.set_named(&identifier))
    }

    fn set_language(&mut self, language: &str) -> bool {
        let Ok(language) = CString::new(language) else { return false };
        let mut spec = EspeakVoice {
            name: ptr::null(),
            languages: language.as_ptr(),
            identifier: ptr::null(),
            gender: 0,
            age: 0,
            variant: 0,
            xx1: 0,
            score: 0,
            spare: ptr::null_mut(),
        };
        // SAFETY: `spec` and the string in it outlive the call, which copies what it keeps.
        unsafe { espeak_SetVoiceByProperties(&raw mut spec) == EE_OK }
    }

    /// The identifier of the current voice in the data, such as `gmw/en`.
    fn identifier(&self) -> String {
        // SAFETY: the library gives null, or a voice of its own that lives until the next call.
        unsafe { espeak_GetCurrentVoice().as_ref() }
            .map_or_else(String::new, |voice| string(voice.identifier))
    }

    /// The folder of the data in use.
    pub(super) fn data_folder(&self) -> PathBuf {
        let mut path = ptr::null();
        // SAFETY: the library is initialised, and sets `path` to a string of its own.
        unsafe { espeak_Info(&raw mut path) };
        PathBuf::from(string(path))
    }

    /// Name, language and identifier of all voices.
    pub(super) fn voices(&self) -> Vec<(String, String, String)> {
        let mut voices = Vec::new();
        // SAFETY: the library gives an array of valid voices that ends with a null pointer, and
        // keeps it until the next call.
        unsafe {
            let mut next = espeak_ListVoices(ptr::null_mut());
            while !next.is_null() && !(*next).is_null() {
                let voice = &**next;
                // `languages` begins with a byte of priority.
                let languages = if voice.languages.is_null() {
                    String::new()
                } else {
                    string(voice.languages.add(1))
                };
                voices.push((string(voice.name), languages, string(voice.identifier)));
                next = next.add(1);
            }
        }
        voices
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was initialised by `open` and nobody else uses it.
        unsafe { espeak_Terminate() };
        IN_USE.store(false, Ordering::SeqCst);
    }
}

/// A copy of the library's C string; empty where it is null.
fn string(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the library's strings are NUL-terminated and outlive the copy made here.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}
