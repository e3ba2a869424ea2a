//! Routes: axum's, with their methods and handlers remembered, so that they can be listed.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::MethodRouter;

/// The handlers of one path, by method: `get(list_cars).post(create_car)`.
#[derive(Debug, Clone, Default)]
pub struct Methods {
    router: MethodRouter,
    handlers: Vec<(Method, &'static str)>,
}

/// One line of the list of routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path's template, such as `/cars/{id}`.
    pub path: String,
    /// The handler's name, such as `list_cars`.
    pub handler: &'static str,
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {
        $(
            #[doc = concat!("A path that answers to ", stringify!($method), ".")]
            #[track_caller]
            pub fn $name<H: Handler<T, ()>, T: 'static>(handler: H) -> Methods {
                Methods::default().$name(handler)
            }
        )*

        impl Methods {
            $(
                #[doc = concat!("Answers to ", stringify!($method), " too.")]
                ///
                /// # Panics
                /// When the path has a handler for this method already.
                #[must_use]
                #[track_caller]
                pub fn $name<H: Handler<T, ()>, T: 'static>(mut self, handler: H) -> Methods {
                    self.handlers.push((Method::$method, handler_name(std::any::type_name::<H>())));
                    self.router = self.router.$name(handler);
                    self
                }
            )*
        }
    };
}

methods! {
    get GET;
    post POST;
    put PUT;
    patch PATCH;
    delete DELETE;
}

impl Methods {
    /// Adds the path to a router, and says what was added.
    ///
    /// # Panics
    /// When the router has the path already, or the path is not one.
    #[track_caller]
    pub fn add_to(self, path: &str, router: Router) -> (Router, Vec<Route>) {
        let routes =
            self.handlers.into_iter().map(|(method, handler)| Route { method, path: path.to_owned(), handler });
        (router.route(path, self.router), routes.collect())
    }
}

/// `cars::handlers::list_cars` as `list_cars`.
fn handler_name(type_name: &'static str) -> &'static str {
    let plain = type_name.trim_end_matches("::{{closure}}");
    let end = plain.find('<').unwrap_or(plain.len());
    plain[..end].rsplit("::").next().unwrap_or(plain)
}
