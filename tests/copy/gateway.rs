//! A server behind whose handles stand no files, as gateways to object stores have it: [`Gateway`], in memory. What is
//! written goes to the store when its handle is closed, whatever becomes of the session; until then names are only said to
//! be there. A file is written from its beginning to its end, by one handle; OPEN cuts it, and EXCL is not heard.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use hop::copy::{Connector, Opening, Options};

use super::ends::{Scene, Way, content};
use crate::sftp::script::{
    self, ATTRS, CLOSE, NAME, OPEN, READ, Request, Script, WRITE, data, packet, status, string, u32_at,
};

/// What has a name.
#[derive(Default, Clone)]
struct Node {
    /// Bytes as they are told.
    size: u64,
    /// Where the store has it.
    object: Option<String>,
    writers: usize,
    /// The name it gets when it is written no more.
    pending: Option<String>,
}

/// An open file.
struct Opened {
    node: usize,
    /// Where what is written will be stored.
    path: String,
    written: Vec<u8>,
    is_written: bool,
}

#[derive(Default)]
struct State {
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    store: BTreeMap<String, Vec<u8>>,
    handles: BTreeMap<String, Opened>,
    opened: usize,
    refused: usize,
    /// Sessions that end once so many writes have come; their handles stay open.
    cut_after: Option<usize>,
}

struct Gateway {
    state: Arc<Mutex<State>>,
    announced: &'static [(&'static str, &'static str)],
}

impl Connector for Gateway {
    fn alias(&self) -> &str {
        "gateway"
    }

    fn trail(&self) -> String {
        "laptop > gateway".into()
    }

    fn lane(&self, _: usize) -> Opening<'_> {
        let (state, announced) = (Arc::clone(&self.state), self.announced);
        Box::pin(async move {
            let (client, mut script) = Script::greet(announced).await;
            tokio::spawn(async move {
                while let Some(request) = script.request().await {
                    let Some(answer) = state.lock().unwrap().answer(&request) else { return };
                    script.send(&answer).await;
                }
            });
            Ok(client)
        })
    }
}

impl State {
    /// `None` when the session ends instead.
    fn answer(&mut self, request: &Request) -> Option<Vec<u8>> {
        let (id, body) = (request.id, &request.body);
        let text = |at: usize| String::from_utf8(body[at + 4..at + 4 + u32_at(body, at) as usize].to_vec()).unwrap();
        let subject = text(0);
        let rest = 4 + subject.len();
        let number = |at: usize| u64::from_be_bytes(body[at..at + 8].try_into().unwrap());
        Some(match request.kind {
            OPEN => self.open(id, subject, u32_at(body, rest) & 2 != 0),
            WRITE => {
                match self.cut_after {
                    Some(0) => {
                        self.cut_after = None;
                        return None;
                    }
                    left => self.cut_after = left.map(|left| left - 1),
                }
                self.write(id, &subject, number(rest), &body[rest + 12..])
            }
            READ => self.read(id, &subject, number(rest) as usize, u32_at(body, rest + 8) as usize),
            CLOSE => {
                self.close(&subject);
                status(id, 0, "")
            }
            // LSTAT, STAT, FSTAT
            7 | 8 | 17 if subject == "." => packet(ATTRS, id, &attributes(0o040_755, 0)),
            7 | 17 => self.stat(id, self.names.get(&subject).copied()),
            8 => self.stat(id, self.handles.get(&subject).map(|opened| opened.node)),
            // SETSTAT, FSETSTAT: it knows neither modes nor times, and says nothing
            9 | 10 => status(id, 0, ""),
            13 => self.remove(id, &subject),
            18 => self.rename(id, &subject, text(rest)),
            16 => {
                let name = [&1_u32.to_be_bytes()[..], &string(subject.as_bytes()), &string(b""), &[0; 4]].concat();
                packet(NAME, id, &name)
            }
            _ => status(id, 8, "not here"),
        })
    }

    fn open(&mut self, id: u32, path: String, is_write: bool) -> Vec<u8> {
        let node = match (self.names.get(&path), is_write) {
            (Some(node), true) => *node,
            (Some(node), false) if self.nodes[*node].object.is_some() => *node,
            (_, false) => return status(id, 2, "No such file"),
            (None, true) => {
                self.nodes.push(Node::default());
                self.names.insert(path.clone(), self.nodes.len() - 1);
                self.nodes.len() - 1
            }
        };
        self.nodes[node].writers += usize::from(is_write);
        self.opened += 1;
        let handle = self.opened.to_string();
        self.handles.insert(handle.clone(), Opened { node, path, written: Vec::new(), is_written: is_write });
        script::handle(id, handle.as_bytes())
    }

    fn write(&mut self, id: u32, handle: &str, at: u64, bytes: &[u8]) -> Vec<u8> {
        let Some(opened) = self.handles.get_mut(handle) else { return status(id, 4, "Bad handle") };
        if at != opened.written.len() as u64 {
            self.refused += 1;
            return status(id, 4, "Illegal seek");
        }
        opened.written.extend_from_slice(bytes);
        self.nodes[opened.node].size = opened.written.len() as u64;
        status(id, 0, "")
    }

    fn read(&self, id: u32, handle: &str, at: usize, length: usize) -> Vec<u8> {
        let object = self.handles.get(handle).and_then(|opened| self.nodes[opened.node].object.as_ref());
        match object.and_then(|object| self.store.get(object)).and_then(|bytes| bytes.get(at..)) {
            Some(bytes) if !bytes.is_empty() => data(id, &bytes[..length.min(bytes.len())]),
            _ => status(id, 1, "End of file"),
        }
    }

    fn close(&mut self, handle: &str) {
        let Some(opened) = self.handles.remove(handle).filter(|opened| opened.is_written) else { return };
        let node = &mut self.nodes[opened.node];
        node.size = opened.written.len() as u64;
        self.store.insert(opened.path.clone(), opened.written);
        node.object = Some(opened.path);
        node.writers -= 1;
        if node.writers == 0
            && let Some(to) = node.pending.take()
        {
            self.move_object(opened.node, to);
        }
    }

    fn move_object(&mut self, node: usize, to: String) {
        if let Some(bytes) = self.nodes[node].object.take().and_then(|from| self.store.remove(&from)) {
            self.store.insert(to.clone(), bytes);
            self.nodes[node].object = Some(to);
        }
    }

    fn stat(&self, id: u32, node: Option<usize>) -> Vec<u8> {
        match node {
            Some(node) => packet(ATTRS, id, &attributes(0o100_644, self.nodes[node].size)),
            None => status(id, 2, "No such file"),
        }
    }

    fn remove(&mut self, id: u32, path: &str) -> Vec<u8> {
        let Some(node) = self.names.remove(path) else { return status(id, 2, "No such file") };
        if let Some(object) = self.nodes[node].object.take() {
            self.store.remove(&object);
        }
        status(id, 0, "")
    }

    fn rename(&mut self, id: u32, from: &str, to: String) -> Vec<u8> {
        let Some(node) = self.names.remove(from) else { return status(id, 2, "No such file") };
        self.names.insert(to.clone(), node);
        match self.nodes[node].writers {
            0 => self.move_object(node, to),
            _ => self.nodes[node].pending = Some(to),
        }
        status(id, 0, "")
    }
}

fn attributes(mode: u32, size: u64) -> Vec<u8> {
    [&5_u32.to_be_bytes()[..], &size.to_be_bytes(), &mode.to_be_bytes()].concat()
}

/// Copies `bytes` to a gateway that announces this, whose first session may end after so many writes; how often it refused.
async fn copied(bytes: &[u8], announced: &'static [(&'static str, &'static str)], cut_after: Option<usize>) -> usize {
    let mut scene = Scene::new(Way::Up).expect("asked for by the caller");
    let state = Arc::new(Mutex::new(State { cut_after, ..State::default() }));
    scene.reach_destination_by(Arc::new(Gateway { state: Arc::clone(&state), announced }));
    fs::write(scene.from.join("f"), bytes).unwrap();
    scene.copies("f", "f", Options::default()).await;
    let mut state = state.lock().unwrap();
    let stands = |state: &State| state.store.get("f").is_some_and(|found| found == bytes);
    assert!(stands(&state), "it is not in the store: {:?}", state.store.keys());
    assert!(cut_after.is_none() || state.cut_after.is_none(), "it was not cut");
    // what the cut session had open ends some day
    let open: Vec<String> = state.handles.keys().cloned().collect();
    open.iter().for_each(|handle| state.close(handle));
    assert!(stands(&state), "it did not stay in the store");
    state.refused
}

/// Several lanes' worth.
const LARGE: usize = 20 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_leaves_in_order() {
    if Scene::new(Way::Up).is_some() {
        assert_eq!(copied(&content(LARGE, 1), &[], None).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_turns_out_to_write_in_order_only_gets_the_file_in_order() {
    if Scene::new(Way::Up).is_some() {
        let announced = &[("fsync@openssh.com", "1")];
        assert_ne!(copied(&content(LARGE, 2), announced, None).await, 0, "nothing was out of order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_session_has_open_does_not_keep_the_file_from_its_name() {
    if Scene::new(Way::Up).is_some() {
        for writes in [0, 1, 100] {
            copied(&content(LARGE, 3), &[], Some(writes)).await;
        }
        copied(&content(1000, 4), &[], Some(0)).await;
        copied(&content(200 << 10, 4), &[], Some(3)).await;
    }
}
